package bpconform.standins;

import java.io.IOException;
import java.io.StringReader;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import javax.jcr.Node;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.json.Json;
import javax.json.JsonException;
import org.apache.sling.api.SlingHttpServletRequest;
import org.apache.sling.api.SlingHttpServletResponse;
import org.slf4j.LoggerFactory;

/** IMS configurations: their console and its servlets, and the token that an agent gets by one. */
final class Ims {
    static final String CONSOLE = "/libs/cq/adobeims-configuration/content/configurations.html";
    static final String SERVLETS = "/libs/cq/adobeims-configuration/components/admin/datasources/imsconfigurations/";
    private static final String FOLDER = "/apps/system/config";
    private static final String PROVIDER = "com.adobe.granite.auth.oauth.accesstoken.provider";
    private static final String CUSTOMIZER = "com.adobe.granite.auth.ims.impl.IMSAccessTokenRequestCustomizerImpl";

    /** What a protected secret stands for: in place of a master key. */
    private static final Map<String, String> SECRETS = new ConcurrentHashMap<>();

    private Ims() {}

    static void know(String protectedSecret, String secret) {
        SECRETS.put(protectedSecret, secret);
    }

    private static String protect(String secret) {
        String text = "{" + (UUID.randomUUID().toString() + UUID.randomUUID()).replace("-", "") + "}";
        know(text, secret);
        return text;
    }

    /** The node of the configuration with that PID; null if there is none. */
    static Node provider(Session session, String pid) throws RepositoryException {
        for (Node node : configurations(session, PROVIDER)) {
            if (node.getName().replaceFirst("\\.config$", "").replace("provider-", "provider.").equals(pid)) {
                return node;
            }
        }
        return null;
    }

    private static Iterable<Node> configurations(Session session, String prefix) throws RepositoryException {
        var all = Web.children(session, FOLDER);
        all.removeIf(node -> !name(node).startsWith(prefix));
        return all;
    }

    private static String name(Node node) {
        try {
            return node.getName();
        } catch (RepositoryException problem) {
            return "";
        }
    }

    private static Node customizer(Session session, Node provider) throws RepositoryException {
        String type = Web.property(provider, "token.request.customizer.type");
        for (Node node : configurations(session, CUSTOMIZER)) {
            if (Web.property(node, "customizer.type").equals(type)) {
                return node;
            }
        }
        return null;
    }

    /** An access token; the exception's message is what Granite writes to the log. */
    static String token(Session session, Node provider) throws IOException, RepositoryException {
        Node customizer = customizer(session, provider);
        String secret = customizer == null ? "" : Web.property(customizer, "auth.ims.client.secret");
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("grant_type", "client_credentials");
        fields.put("client_id", Web.property(provider, "auth.token.provider.client.id"));
        fields.put("client_secret", SECRETS.getOrDefault(secret, secret));
        fields.put("scope", Web.property(provider, "auth.token.provider.scope"));
        fields.put("org_id", Web.property(provider, "auth.token.provider.orgId"));
        var form = new StringBuilder();
        fields.forEach((name, value) -> form.append(form.length() == 0 ? "" : "&").append(name).append('=')
            .append(URLEncoder.encode(value, StandardCharsets.UTF_8)));
        Wire answer = Wire.send("POST", Web.property(provider, "auth.access.token.request"),
            Map.of("Content-Type", "application/x-www-form-urlencoded"),
            form.toString().getBytes(StandardCharsets.UTF_8));
        try {
            String token = Json.createReader(new StringReader(answer.text())).readObject().getString("access_token", "");
            if (answer.status == 200 && !token.isEmpty()) {
                return token;
            }
        } catch (JsonException noJson) {
            // The message below says what came in its place.
        }
        String problem = "failed to get access token from authorization server status: " + answer.status
            + " response: " + answer.text();
        LoggerFactory.getLogger("com.adobe.granite.auth.oauth.AccessTokenProvider").error(problem);
        throw new IOException(problem);
    }

    static final class Console extends Web {
        private static final long serialVersionUID = 1;

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            var cards = new StringBuilder("<h1>Adobe IMS Configurations</h1>\n");
            for (Node node : configurations(session(request), PROVIDER)) {
                cards.append("<article data-pid=\"").append(escape(node.getName().replaceFirst("\\.config$", "")))
                    .append("\"><p>ADOBE IMS TECHNICAL ACCOUNT</p><h2>")
                    .append(escape(property(node, "auth.token.provider.title"))).append("</h2></article>\n");
            }
            html(response, "Adobe IMS Configurations", cards.toString());
        }
    }

    static final class Update extends Web {
        private static final long serialVersionUID = 1;

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            for (String needed : new String[] {"title", "authServerUrl", "apiKey", "clientSecret", "scope", "orgId"}) {
                if (parameter(request, needed).isEmpty()) {
                    text(response, 400, needed + " is missing");
                    return;
                }
            }
            Session session = session(request);
            String random = UUID.randomUUID().toString().substring(0, 8);
            String server = parameter(request, "authServerUrl");
            Node folder = session.getNode(FOLDER);
            Node provider = folder.addNode(PROVIDER + "." + random + ".config", "sling:OsgiConfig");
            provider.setProperty("name", "Adobe Brand Portal " + random);
            provider.setProperty("auth.token.provider.title", parameter(request, "title"));
            provider.setProperty("auth.token.provider.endpoint", server);
            provider.setProperty("auth.access.token.request", server.replaceFirst("/$", "") + "/ims/token/v3");
            provider.setProperty("auth.token.provider.client.id", parameter(request, "apiKey"));
            provider.setProperty("auth.token.provider.scope", parameter(request, "scope"));
            provider.setProperty("auth.token.provider.orgId", parameter(request, "orgId"));
            provider.setProperty("auth.token.provider.authorization.grants", "client_credentials");
            provider.setProperty("auth.token.provider.default.claims",
                new String[] {"\"iss\" : \"" + parameter(request, "orgId") + "\""});
            provider.setProperty("token.request.customizer.type", "ims-" + random);
            Node customizer = folder.addNode(CUSTOMIZER + "." + random + ".config", "sling:OsgiConfig");
            customizer.setProperty("customizer.type", "ims-" + random);
            customizer.setProperty("auth.ims.client.secret", protect(parameter(request, "clientSecret")));
            session.save();
            send(response, 200, "text/plain", PROVIDER + "." + random);
        }
    }

    static final class Delete extends Web {
        private static final long serialVersionUID = 1;

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            Session session = session(request);
            for (String pid : request.getParameterValues("configurationIds")) {
                Node provider = provider(session, pid);
                if (provider == null) {
                    text(response, 404, "no IMS configuration has the PID " + pid);
                    return;
                }
                Node customizer = customizer(session, provider);
                if (customizer != null) {
                    customizer.remove();
                }
                provider.remove();
            }
            session.save();
            text(response, 200, "");
        }
    }

    static final class Health extends Web {
        private static final long serialVersionUID = 1;

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            Node provider = provider(session(request), parameter(request, "configurationId"));
            if (provider == null) {
                text(response, 404, "no IMS configuration has that PID");
                return;
            }
            String title = escape(property(provider, "auth.token.provider.title"));
            try {
                token(session(request), provider);
                html(response, "Healthy configuration",
                    "<h1>Healthy configuration</h1><p>" + title + ": Token retrieved successfully!</p>");
            } catch (IOException problem) {
                html(response, "Unhealthy configuration", "<h1>Unhealthy configuration</h1><p>" + title
                    + ": No token could be retrieved.</p><pre>" + escape(problem.getMessage()) + "</pre>");
            }
        }
    }
}
