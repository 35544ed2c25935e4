package bpconform.standins;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.jcr.Node;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.json.Json;
import org.apache.sling.api.SlingHttpServletRequest;
import org.apache.sling.api.SlingHttpServletResponse;
import org.apache.sling.api.servlets.OptingServlet;
import org.slf4j.LoggerFactory;

/** The pages of replication agents, and a delivery that really asks IMS and the tenant. */
final class Agents {
    static final String TYPE = "cq/replication/components/agent";
    static final String FOLDER = "/etc/replication/agents.author";
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");
    private static final Map<String, List<String>> LOGS = new ConcurrentHashMap<>();
    private static final Set<String> PAUSED = ConcurrentHashMap.newKeySet();

    private Agents() {}

    static void forget() {
        LOGS.clear();
        PAUSED.clear();
    }

    /** One delivery: what it writes down, and whether it succeeded. */
    private static final class Delivery {
        final List<String> lines = new ArrayList<>();
        final String id;
        boolean succeeded;

        Delivery(String id) {
            this.id = id;
        }

        void say(String level, String text) {
            String time = LocalDateTime.now().format(TIME);
            lines.add(time + " - " + text);
            LOGS.computeIfAbsent(id, unused -> new ArrayList<>()).add(time + " - " + level + " - " + id + " : " + text);
        }

        void info(String text) {
            say("INFO", text);
        }
    }

    private static Delivery test(Session session, Node page) throws RepositoryException {
        Node agent = page.getNode("jcr:content");
        var delivery = new Delivery(page.getName());
        String target = Web.property(agent, "transportUri");
        try {
            if (!"true".equals(Web.property(agent, "enabled"))) {
                throw new IOException("Agent is disabled");
            }
            String actsAs = Web.property(agent, "userId");
            if (!actsAs.isEmpty() && Web.users(session).getAuthorizable(actsAs) == null) {
                throw new IOException("Replicaiton Agent [" + delivery.id + "] has invalid agent userId ["
                    + actsAs + "]");
            }
            send(session, agent, delivery, target);
            delivery.info("Replication (TEST) of /content successful.");
            delivery.succeeded = true;
        } catch (IOException problem) {
            String failed = "Transfer failed for ReplicationAction{type=TEST, path[0]='/content', time="
                + System.currentTimeMillis() + ", userId='" + session.getUserID() + "', revision='null'}. ";
            delivery.say("ERROR", failed + problem.getMessage());
            delivery.say("ERROR", "Replication (TEST) of /content not successful.");
            LoggerFactory.getLogger("com.day.cq.replication.impl.AgentManagerImpl").error(
                "Error while replicating: com.day.cq.replication.ReplicationException: {}{}", failed, problem.getMessage());
        }
        return delivery;
    }

    private static void send(Session session, Node agent, Delivery delivery, String target)
            throws IOException, RepositoryException {
        URI uri = URI.create(target);
        String rule = "------------------------------------------------";
        delivery.info("Create new HttpClient for " + Web.property(agent, "jcr:title"));
        delivery.info("* HTTP Version: " + Web.property(agent, "protocolVersion"));
        delivery.info("* Connect Timeout: " + Web.property(agent, "protocolConnectTimeout"));
        delivery.info("* Socket Timeout: " + Web.property(agent, "protocolSocketTimeout"));
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Action", "Test");
        headers.put("Path", "/content");
        headers.put("Handle", "/content");
        headers.forEach((name, value) -> delivery.info("adding header: " + name + ":" + value));
        headers.put("Referer", "about:blank");
        headers.put("Content-Type", "application/octet-stream");
        if ("true".equals(Web.property(agent, "protocolHTTPConnectionClose"))) {
            headers.put("Connection", "close");
        }
        delivery.info("deserialize content for delivery");
        delivery.info("No message body: Content ReplicationContent.VOID is empty");
        delivery.info("Sending POST request to " + target);
        authorize(session, agent, delivery, headers);
        Wire answer = Wire.send("POST", target, headers, new byte[0]);
        delivery.info("sent. Response: " + answer.status + " " + answer.reason);
        delivery.info(rule);
        delivery.info("Sending message to " + uri.getHost() + ":" + uri.getPort());
        delivery.info(">> POST " + uri.getPath() + " HTTP/1.0");
        headers.forEach((name, value) -> {
            if (!name.equals("Authorization")) {
                delivery.info(">> " + name + ": " + value);
            }
        });
        delivery.info("--");
        delivery.info("<< HTTP/1.1 " + answer.status + " " + answer.reason);
        answer.headers.forEach(header -> delivery.info("<< " + header));
        delivery.info("<< ");
        answer.text().lines().forEach(line -> delivery.info("<< " + line));
        if (answer.status != 200) {
            throw new IOException("java.io.IOException: Failed to execute request '" + target
                + "': Server returned status code " + answer.status + " with message: " + answer.reason + ".");
        }
        delivery.info("Message sent.");
        delivery.info(rule);
    }

    /** By a token, by user and password, or not at all. */
    private static void authorize(Session session, Node agent, Delivery delivery, Map<String, String> headers)
            throws IOException, RepositoryException {
        String pid = Web.property(agent, "accessTokenProviderPid");
        String user = Web.property(agent, "transportUser");
        String password = Web.property(agent, "transportPassword");
        if ("true".equals(Web.property(agent, "enableOauth"))) {
            Node provider = Ims.provider(session, pid);
            if (provider == null) {
                throw new IOException("No OAuth token available. OAuth not initialized");
            }
            delivery.info("* Using OAuth 2.0 Authorization Grants");
            headers.put("Authorization", "Bearer " + Ims.token(session, provider));
            delivery.info("* OAuth 2.0 User: " + user);
        } else if (!user.isEmpty() && !password.isEmpty()) {
            headers.put("Authorization", "Basic " + Base64.getEncoder().encodeToString(
                (user + ":" + password).getBytes(StandardCharsets.UTF_8)));
        } else if (!pid.isEmpty()) {
            throw new IOException("No OAuth token available. OAuth not initialized");
        }
    }

    /** Agents on author, and each agent's page, test and log. */
    static final class Page extends Web implements OptingServlet {
        private static final long serialVersionUID = 1;

        @Override
        public boolean accepts(SlingHttpServletRequest request) {
            String path = request.getResource().getPath();
            return "html".equals(request.getRequestPathInfo().getExtension())
                && (path.equals(FOLDER) || path.startsWith(FOLDER + "/"));
        }

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            Session session = session(request);
            Node page = request.getResource().adaptTo(Node.class);
            String selectors = request.getRequestPathInfo().getSelectorString();
            if (page.getPath().equals(FOLDER)) {
                all(session, response);
            } else if (!page.hasNode("jcr:content")) {
                text(response, 404, "no agent");
            } else if ("test".equals(selectors)) {
                tested(response, page, test(session, page));
            } else if ("log".equals(selectors)) {
                var lines = new StringBuilder();
                LOGS.getOrDefault(page.getName(), List.of()).forEach(line -> lines.append(escape(line)).append("<br>\n"));
                html(response, "Log", "<code>\n" + lines + "</code>");
            } else {
                one(response, page);
            }
        }

        private static void all(Session session, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            var list = new StringBuilder("<h1>Agents on author</h1>\n<ul>\n");
            for (Node page : children(session, FOLDER)) {
                if (page.hasNode("jcr:content")) {
                    list.append("<li>").append(escape(property(page.getNode("jcr:content"), "jcr:title"))).append(" (")
                        .append(escape(page.getName())).append(")</li>\n");
                }
            }
            html(response, "Agents on author", list + "</ul>");
        }

        private static void tested(SlingHttpServletResponse response, Node page, Delivery delivery)
                throws IOException, RepositoryException {
            var lines = new StringBuilder();
            delivery.lines.forEach(line -> lines.append(escape(line)).append("<br>\n"));
            html(response, "Replication test", "<h1>Replication test to "
                + escape(property(page.getNode("jcr:content"), "transportUri")) + "</h1>\n<code>" + lines
                + "</code>\n<hr>Replication test <strong>" + (delivery.succeeded ? "succeeded" : "failed") + "</strong>");
        }

        private static void one(SlingHttpServletResponse response, Node page) throws IOException, RepositoryException {
            Node agent = page.getNode("jcr:content");
            String title = escape(property(agent, "jcr:title"));
            boolean enabled = "true".equals(property(agent, "enabled"));
            html(response, title, "<h1>" + title + "</h1>\n<p>(" + escape(page.getName()) + ")</p>\n<ul>\n<li>Agent is <strong>"
                + (enabled ? "enabled." : "disabled.") + "</strong> Replicating to <strong>"
                + escape(property(agent, "transportUri")) + "</strong></li>\n<li>Queue is <strong>"
                + (PAUSED.contains(page.getName()) ? "paused" : "idle") + "</strong></li>\n<li>"
                + ("true".equals(property(agent, "triggerSpecific")) ? "Agent is ignored on normal replication" : "")
                + "</li>\n</ul>");
        }
    }

    /** An agent's queue, which is always empty: what is delivered is delivered at once. */
    static final class Queue extends Web implements OptingServlet {
        private static final long serialVersionUID = 1;

        @Override
        public boolean accepts(SlingHttpServletRequest request) {
            String selectors = request.getRequestPathInfo().getSelectorString();
            return selectors != null && selectors.startsWith("queue")
                && "json".equals(request.getRequestPathInfo().getExtension());
        }

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            String id = request.getResource().getParent().getName();
            if (isPost(request)) {
                switch (parameter(request, "cmd")) {
                    case "pause": PAUSED.add(id); break;
                    case "resume": PAUSED.remove(id); break;
                    case "clear": break;
                    default: text(response, 400, "cmd is not known"); return;
                }
            }
            var status = object("agentName", property(request.getResource().adaptTo(Node.class), "jcr:title"),
                "agentId", id, "isBlocked", false, "isPaused", PAUSED.contains(id), "time", System.currentTimeMillis(),
                "processingSince", 0, "lastProcessTime", 0, "nextRetryPeriod", 0);
            json(response, 200, object("metaData", object("queueStatus", status), "queue", Json.createArrayBuilder()).build());
        }
    }
}
