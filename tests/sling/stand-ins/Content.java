package bpconform.standins;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.time.Instant;
import java.util.Base64;
import java.util.Calendar;
import java.util.GregorianCalendar;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import javax.jcr.Node;
import javax.jcr.PropertyType;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.jcr.nodetype.ConstraintViolationException;
import javax.json.Json;
import javax.json.JsonArray;
import javax.json.JsonObject;
import javax.json.JsonString;
import javax.json.JsonValue;
import org.apache.jackrabbit.api.security.user.Authorizable;
import org.apache.jackrabbit.api.security.user.User;
import org.apache.jackrabbit.commons.jackrabbit.authorization.AccessControlUtils;
import org.apache.sling.api.SlingHttpServletRequest;
import org.apache.sling.api.SlingHttpServletResponse;
import org.apache.sling.jcr.api.SlingRepository;

/** Makes this Author's content equal that of a mocked one, whatever was there before. */
final class Content extends Web {
    private static final long serialVersionUID = 1;

    /** What is copied: below each of them, all that was there goes first. */
    private static final List<String> COPIED = List.of(
        "/etc/replication/agents.author", "/etc/replication/agents.publish", "/etc/replication/treeactivation",
        "/etc/cloudservices", "/content/dam",
        "/content/cq:tags", "/conf/global/settings", "/apps/system/config", "/libs/cq", "/libs/dam");

    private final transient SlingRepository repository;

    Content(SlingRepository repository) {
        this.repository = repository;
    }

    @Override
    @SuppressWarnings("deprecation")
    void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
            throws IOException, RepositoryException {
        if (!"admin".equals(session(request).getUserID())) {
            text(response, 403, "for the administrator only");
            return;
        }
        Session session = repository.loginAdministrative(null);
        try {
            String from = parameter(request, "from").replaceFirst("/$", "");
            empty(session);
            if (!from.isEmpty()) {
                JsonObject root = Json.createReader(new StringReader(fetch(from, "/__bpconform/repository"))).readObject();
                for (String path : COPIED) {
                    JsonObject source = at(root, path);
                    if (source != null) {
                        fill(folder(session, path), source, from, parameter(request, "secret"));
                    }
                }
                JsonObject users = at(root, "/home/users/mac");
                if (users != null) {
                    users(session, "/home/users/mac", users);
                }
            }
            session.save();
            Agents.forget();
            text(response, 200, "copied");
        } finally {
            session.logout();
        }
    }

    private static String fetch(String from, String path) throws IOException {
        return Wire.send("GET", from + path, login(), new byte[0]).text();
    }

    private static Map<String, String> login() {
        return Map.of("Authorization", "Basic " + Base64.getEncoder().encodeToString("admin:admin".getBytes()));
    }

    private static void empty(Session session) throws RepositoryException {
        for (String path : COPIED) {
            for (Node child : children(session, path)) {
                child.remove();
            }
        }
        for (String path : COPIED) {
            // Sling's WebDAV servlet leaves it behind.
            if (session.nodeExists(path) && session.getNode(path).isNodeType("mix:lockable")) {
                session.getNode(path).removeMixin("mix:lockable");
            }
        }
        for (Node child : children(session, "/etc/packages")) {
            child.remove();
        }
        for (Node tenant : children(session, "/home/users/mac")) {
            for (Node child : children(session, tenant.getPath())) {
                Authorizable user = users(session).getAuthorizableByPath(child.getPath());
                if (user != null) {
                    user.remove();
                }
            }
        }
        session.save();
        if (session.nodeExists("/home/users/mac")) {
            session.getNode("/home/users/mac").remove();
        }
        session.save();
    }

    private static JsonObject at(JsonObject root, String path) {
        JsonObject here = root;
        for (String name : path.substring(1).split("/")) {
            here = here == null ? null : here.getJsonObject(name);
        }
        return here;
    }

    private static Node folder(Session session, String path) throws RepositoryException {
        Node here = session.getRootNode();
        for (String name : path.substring(1).split("/")) {
            here = here.hasNode(name) ? here.getNode(name) : here.addNode(name, "sling:Folder");
        }
        return here;
    }

    private void fill(Node node, JsonObject source, String from, String secret) throws IOException, RepositoryException {
        for (Map.Entry<String, JsonValue> entry : source.entrySet()) {
            String name = entry.getKey();
            if (entry.getValue() instanceof JsonObject) {
                // A real Sling would apply it.
                if (!name.startsWith("org.apache.sling.commons.log.")) {
                    JsonObject child = (JsonObject) entry.getValue();
                    String type = child.getString("jcr:primaryType", "sling:Folder");
                    fill(node.hasNode(name) ? node.getNode(name) : node.addNode(name, type), child, from, secret);
                }
            } else if (name.equals("jcr:data")) {
                String file = node.getParent().getPath().replace("jcr:content", "_jcr_content");
                byte[] bytes = Wire.send("GET", from + file, login(), new byte[0]).body;
                node.setProperty(name, node.getSession().getValueFactory().createBinary(new ByteArrayInputStream(bytes)));
            } else if (name.equals("jcr:mixinTypes")) {
                for (JsonString mixin : entry.getValue().asJsonArray().getValuesAs(JsonString.class)) {
                    node.addMixin(mixin.getString());
                }
            } else if (!name.equals("jcr:primaryType")) {
                set(node, name, entry.getValue());
                if (name.equals("auth.ims.client.secret") && !secret.isEmpty()) {
                    Ims.know(((JsonString) entry.getValue()).getString(), secret);
                }
            }
        }
    }

    private static void set(Node node, String name, JsonValue value) throws RepositoryException {
        try {
            if (value instanceof JsonArray) {
                node.setProperty(name, ((JsonArray) value).getValuesAs(JsonString.class).stream()
                    .map(JsonString::getString).toArray(String[]::new));
            } else if (value instanceof JsonString) {
                String text = ((JsonString) value).getString();
                if (text.matches("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z")) {
                    Calendar time = new GregorianCalendar(TimeZone.getTimeZone("UTC"));
                    time.setTimeInMillis(Instant.parse(text).toEpochMilli());
                    node.setProperty(name, time);
                } else {
                    node.setProperty(name, text);
                }
            } else if (value == JsonValue.TRUE || value == JsonValue.FALSE) {
                node.setProperty(name, value == JsonValue.TRUE);
            } else {
                node.setProperty(name, value.toString(), PropertyType.LONG);
            }
        } catch (ConstraintViolationException itIsTheRepositorysOwn) {
            // For example jcr:created of a folder.
        }
    }

    private static void users(Session session, String path, JsonObject source) throws RepositoryException {
        for (Map.Entry<String, JsonValue> entry : source.entrySet()) {
            if (!(entry.getValue() instanceof JsonObject)) {
                continue;
            }
            JsonObject child = (JsonObject) entry.getValue();
            if (!child.getString("jcr:primaryType", "").equals("rep:User")) {
                users(session, path + "/" + entry.getKey(), child);
                continue;
            }
            String id = child.getString("rep:authorizableId");
            User user = users(session).createUser(id, null, () -> id, path);
            Node home = session.getNode(user.getPath());
            for (String name : child.keySet()) {
                if (child.get(name) instanceof JsonObject && !name.startsWith("rep:")) {
                    keys(home.addNode(name, "nt:unstructured"));
                } else if (name.startsWith("jcr:created")) {
                    set(home, name, child.get(name));
                }
            }
            AccessControlUtils.addAccessControlEntry(session, user.getPath(), user.getPrincipal(), new String[] {"jcr:read"}, true);
        }
    }

    /** A key store as AEM keeps it; its bytes are nobody's. */
    private static void keys(Node folder) throws RepositoryException {
        if (folder.getName().equals("keystore")) {
            Node file = folder.addNode("store.p12", "nt:file").addNode("jcr:content", "nt:resource");
            file.setProperty("jcr:mimeType", "application/x-pkcs12");
            file.setProperty("jcr:data", folder.getSession().getValueFactory()
                .createBinary(new ByteArrayInputStream("no key store".getBytes())));
        } else {
            folder.setProperty("token", "of no worth");
        }
    }
}
