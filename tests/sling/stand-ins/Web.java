package bpconform.standins;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import javax.jcr.Node;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.json.Json;
import javax.json.JsonStructure;
import org.apache.jackrabbit.api.JackrabbitSession;
import org.apache.jackrabbit.api.security.user.UserManager;
import org.apache.sling.api.SlingHttpServletRequest;
import org.apache.sling.api.SlingHttpServletResponse;
import org.apache.sling.api.servlets.SlingAllMethodsServlet;

/** A servlet that answers with text, and what all of them need. */
abstract class Web extends SlingAllMethodsServlet {
    private static final long serialVersionUID = 1;

    abstract void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
        throws IOException, RepositoryException;

    @Override
    protected void doGet(SlingHttpServletRequest request, SlingHttpServletResponse response) throws IOException {
        try {
            answer(request, response);
        } catch (RepositoryException problem) {
            text(response, 500, problem.toString());
        }
    }

    @Override
    protected void doPost(SlingHttpServletRequest request, SlingHttpServletResponse response) throws IOException {
        doGet(request, response);
    }

    static boolean isPost(SlingHttpServletRequest request) {
        return "POST".equals(request.getMethod());
    }

    static Session session(SlingHttpServletRequest request) {
        return request.getResourceResolver().adaptTo(Session.class);
    }

    static UserManager users(Session session) throws RepositoryException {
        return ((JackrabbitSession) session).getUserManager();
    }

    static String parameter(SlingHttpServletRequest request, String name) {
        String value = request.getParameter(name);
        return value == null ? "" : value.trim();
    }

    static void text(SlingHttpServletResponse response, int status, String text) throws IOException {
        send(response, status, "text/plain", text + "\n");
    }

    static void html(SlingHttpServletResponse response, String title, String body) throws IOException {
        send(response, 200, "text/html", "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>"
            + escape(title) + "</title></head>\n<body>\n" + body + "\n</body></html>\n");
    }

    static void json(SlingHttpServletResponse response, int status, JsonStructure json) throws IOException {
        send(response, status, "application/json", json.toString());
    }

    static void send(SlingHttpServletResponse response, int status, String type, String text) throws IOException {
        response.setStatus(status);
        response.setContentType(type);
        response.setCharacterEncoding("UTF-8");
        response.getWriter().write(text);
    }

    static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    static String property(Node node, String name) throws RepositoryException {
        if (!node.hasProperty(name)) {
            return "";
        }
        var property = node.getProperty(name);
        return property.isMultiple() ? property.getValues()[0].getString() : property.getString();
    }

    static List<Node> children(Session session, String path) throws RepositoryException {
        List<Node> all = new ArrayList<>();
        if (session.nodeExists(path)) {
            session.getNode(path).getNodes().forEachRemaining(node -> all.add((Node) node));
        }
        return all;
    }

    /** A JSON object of pairs of names and values. */
    static javax.json.JsonObjectBuilder object(Object... pairs) {
        var object = Json.createObjectBuilder();
        for (int at = 0; at < pairs.length; at += 2) {
            String name = (String) pairs[at];
            Object value = pairs[at + 1];
            if (value instanceof Boolean) {
                object.add(name, (Boolean) value);
            } else if (value instanceof Number) {
                object.add(name, ((Number) value).longValue());
            } else if (value instanceof javax.json.JsonArrayBuilder) {
                object.add(name, (javax.json.JsonArrayBuilder) value);
            } else if (value instanceof javax.json.JsonObjectBuilder) {
                object.add(name, (javax.json.JsonObjectBuilder) value);
            } else {
                object.add(name, String.valueOf(value));
            }
        }
        return object;
    }
}
