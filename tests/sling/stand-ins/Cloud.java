package bpconform.standins;

import java.io.IOException;
import java.net.URI;
import java.util.Calendar;
import javax.jcr.Node;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import org.apache.jackrabbit.api.security.user.User;
import org.apache.jackrabbit.commons.jackrabbit.authorization.AccessControlUtils;
import org.apache.sling.api.SlingHttpServletRequest;
import org.apache.sling.api.SlingHttpServletResponse;

/** Save & Close of a Brand Portal configuration: the page, the Mac user and the four agents. */
final class Cloud extends Web {
    private static final long serialVersionUID = 1;
    private static final String FOLDER = "/etc/cloudservices/mediaportal";

    @Override
    void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
            throws IOException, RepositoryException {
        Session session = session(request);
        String url = parameter(request, "tenantURL").replaceFirst("/$", "");
        String provider = parameter(request, "imsConfig");
        boolean isTenant = url.matches("https?://[a-z0-9][a-z0-9-]{0,31}\\.[^/?#]+");
        if (!isTenant || parameter(request, "name").isEmpty() || Ims.provider(session, provider) == null) {
            // With Sling's own page, which shows who refuses.
            response.sendError(400, "name, a tenant's tenantURL and the imsConfig of one that exists are needed");
            return;
        }
        String tenant = URI.create(url).getHost().split("\\.")[0];
        Node content = page(session, FOLDER, parameter(request, "name").replaceAll("[^A-Za-z0-9_-]", "-"));
        content.setProperty("jcr:title", parameter(request, "name"));
        content.setProperty("tenantURL", url);
        content.setProperty("imsConfig", provider);
        content.setProperty("sling:resourceType", "dam/components/mediaportal/config");
        content.setProperty("oauthScopes", parameter(request, "oauthScopes"));
        content.setProperty("pubFolder", "true".equals(parameter(request, "pubFolder")));
        content.setProperty("jcr:lastModified", Calendar.getInstance());
        content.setProperty("jcr:lastModifiedBy", session.getUserID());
        macUser(session, "mac-" + tenant + "-replication", "/home/users/mac/" + tenant);
        for (int index = 0; index < 4; index++) {
            agent(session, tenant, index, url, provider);
        }
        session.save();
        text(response, 200, "");
    }

    private static Node page(Session session, String folder, String name) throws RepositoryException {
        Node parent = session.nodeExists(folder) ? session.getNode(folder)
            : session.getNode("/etc/cloudservices").addNode("mediaportal", "cq:Page");
        Node page = parent.hasNode(name) ? parent.getNode(name) : parent.addNode(name, "cq:Page");
        return page.hasNode("jcr:content") ? page.getNode("jcr:content") : page.addNode("jcr:content", "cq:PageContent");
    }

    private static void macUser(Session session, String id, String folder) throws RepositoryException {
        if (users(session).getAuthorizable(id) != null) {
            return;
        }
        User user = users(session).createUser(id, null, () -> id, folder);
        session.getNode(user.getPath()).addNode("keystore", "nt:unstructured");
        session.getNode(user.getPath()).addNode("oauth", "nt:unstructured");
        AccessControlUtils.addAccessControlEntry(session, user.getPath(), user.getPrincipal(), new String[] {"jcr:read"}, true);
    }

    private static void agent(Session session, String tenant, int index, String url, String provider)
            throws RepositoryException {
        Node agent = page(session, Agents.FOLDER, "mp_replication_agent" + index + "_default_" + tenant);
        agent.setProperty("jcr:title", tenant + " MP Replication Agent" + index + " Default");
        agent.setProperty("transportUri", url + "/bin/receive?sling:authRequestLogin=1");
        agent.setProperty("sling:resourceType", Agents.TYPE);
        agent.setProperty("cq:template", "/libs/cq/replication/templates/agent");
        agent.setProperty("enableOauth", true);
        agent.setProperty("accessTokenProviderPid", provider);
        agent.setProperty("transportUser", "mac-" + tenant + "-replication");
        String[][] texts = {
            {"enabled", "true"}, {"triggerSpecific", "true"}, {"protocolConnectTimeout", "180000"},
            {"protocolSocketTimeout", "600000"}, {"protocolVersion", "1.1"}, {"protocolHTTPMethod", "POST"},
            {"serializationType", "durbo"}, {"userId", "dam-replication-service"}, {"retryDelay", "60000"},
            {"logLevel", "info"},
        };
        for (String[] text : texts) {
            agent.setProperty(text[0], text[1]);
        }
    }
}
