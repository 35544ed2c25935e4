package bpconform.standins;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import javax.jcr.Node;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.json.Json;
import javax.json.JsonException;
import javax.json.JsonObject;
import org.apache.jackrabbit.api.security.user.Authorizable;
import org.apache.jackrabbit.api.security.user.User;
import org.apache.jackrabbit.api.security.user.UserManager;
import org.apache.sling.api.SlingHttpServletRequest;
import org.apache.sling.api.SlingHttpServletResponse;
import org.apache.sling.api.servlets.OptingServlet;

/** Users and groups, on Oak's own user management. */
final class Users {
    private Users() {}

    static final class Current extends Web {
        private static final long serialVersionUID = 1;

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            Session session = session(request);
            Authorizable user = users(session).getAuthorizable(session.getUserID());
            var answer = object("authorizableId", session.getUserID(), "authorizableId_xss", session.getUserID(),
                "name", session.getUserID(), "name_xss", session.getUserID(), "type", "user");
            if (user != null) {
                answer.add("home", user.getPath());
                answer.add("isAdmin", user instanceof User && ((User) user).isAdmin());
            }
            json(response, 200, answer.build());
        }
    }

    static final class Search extends Web {
        private static final long serialVersionUID = 1;

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            var found = Json.createArrayBuilder();
            int count = 0;
            try {
                for (Authorizable one : chosen(users(session(request)), parameter(request, "query"))) {
                    found.add(object("type", one.isGroup() ? "group" : "user", "authorizableId", one.getID(),
                        "authorizableId_xss", one.getID(), "name", one.getID(), "name_xss", one.getID(),
                        "home", one.getPath()));
                    count++;
                }
            } catch (JsonException | ClassCastException unreadable) {
                text(response, 400, "the query cannot be read: " + unreadable.getMessage());
                return;
            }
            json(response, 200, object("authorizables", found, "total", count).build());
        }

        private static List<Authorizable> chosen(UserManager users, String query) throws RepositoryException {
            List<Authorizable> all = new ArrayList<>();
            if (query.isEmpty() || Json.createReader(new StringReader(query)).readObject().isEmpty()) {
                Iterator<Authorizable> found = users.findAuthorizables("rep:principalName", null);
                found.forEachRemaining(all::add);
                return all;
            }
            JsonObject read = Json.createReader(new StringReader(query)).readObject();
            for (JsonObject condition : read.getJsonArray("condition").getValuesAs(JsonObject.class)) {
                Authorizable one = users.getAuthorizable(condition.getString("named", ""));
                if (one != null) {
                    all.add(one);
                }
            }
            return all;
        }
    }

    static final class Create extends Web {
        private static final long serialVersionUID = 1;

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            Session session = session(request);
            String id = parameter(request, "authorizableId");
            if (!isPost(request) || request.getParameter("createUser") == null || id.isEmpty()) {
                text(response, 400, "createUser and authorizableId are needed");
                return;
            }
            if (users(session).getAuthorizable(id) != null) {
                text(response, 500, "AuthorizableExistsException: User or Group for '" + id + "' already exists");
                return;
            }
            String folder = parameter(request, "intermediatePath");
            User made = users(session).createUser(id, request.getParameter("rep:password"), () -> id,
                folder.isEmpty() ? null : folder);
            session.save();
            response.setHeader("Location", request.getContextPath() + made.getPath());
            html(response, "Content created " + made.getPath(), "<div id=\"Status\">201</div><div id=\"Path\">"
                + escape(made.getPath()) + "</div>");
            response.setStatus(201);
        }
    }

    /** The default POST servlet answers whatever else is posted to a user's node. */
    static final class Delete extends Web implements OptingServlet {
        private static final long serialVersionUID = 1;

        @Override
        public boolean accepts(SlingHttpServletRequest request) {
            return request.getParameter("deleteAuthorizable") != null;
        }

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            Session session = session(request);
            String path = request.getResource().getPath();
            Authorizable one = users(session).getAuthorizableByPath(path);
            one.remove();
            session.save();
            html(response, "Content modified " + path, "<div id=\"Status\">200</div><div id=\"Path\">" + escape(path)
                + "</div>");
        }
    }

    static final class KeyStore extends Web implements OptingServlet {
        private static final long serialVersionUID = 1;

        @Override
        public boolean accepts(SlingHttpServletRequest request) {
            var path = request.getRequestPathInfo();
            return "ks".equals(path.getSelectorString()) && "json".equals(path.getExtension());
        }

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response) throws IOException {
            boolean there = request.getResource().getChild("keystore/store.p12") != null;
            json(response, 200, there ? object("aliases", Json.createArrayBuilder()).build()
                : object("exists", false).build());
        }
    }

    /** The part of the query builder that asks for a node by one of its properties. */
    static final class Query extends Web {
        private static final long serialVersionUID = 1;

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            Session session = session(request);
            String path = parameter(request, "path");
            StringBuilder query = new StringBuilder("/jcr:root" + (path.isEmpty() || path.equals("/") ? "" : path)
                + "//element(*, " + (parameter(request, "type").isEmpty() ? "nt:base" : parameter(request, "type")) + ")");
            for (String name : request.getParameterMap().keySet()) {
                if (name.matches("([0-9]+_)?property")) {
                    query.append("[@").append(parameter(request, name)).append(" = '")
                        .append(parameter(request, name + ".value").replace("'", "''")).append("']");
                } else if (!name.matches("path|type|([0-9]+_)?property\\.value|p\\.limit|_charset_")) {
                    text(response, 400, "this stand-in for the query builder does not know " + name);
                    return;
                }
            }
            var hits = Json.createArrayBuilder();
            int total = 0;
            var found = session.getWorkspace().getQueryManager()
                .createQuery(query.toString(), javax.jcr.query.Query.XPATH).execute().getNodes();
            while (found.hasNext()) {
                Node node = found.nextNode();
                hits.add(object("path", node.getPath(), "excerpt", "", "name", node.getName(), "title", node.getName()));
                total++;
            }
            json(response, 200, object("success", true, "results", total, "total", total, "more", false, "offset", 0,
                "hits", hits).build());
        }
    }
}
