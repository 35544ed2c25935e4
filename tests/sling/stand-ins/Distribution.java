package bpconform.standins;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import javax.jcr.Node;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.servlet.Filter;
import javax.servlet.FilterChain;
import javax.servlet.FilterConfig;
import javax.servlet.ServletException;
import javax.servlet.ServletRequest;
import javax.servlet.ServletResponse;
import org.apache.sling.api.SlingHttpServletRequest;
import org.apache.sling.api.SlingHttpServletResponse;
import org.apache.sling.distribution.DistributionRequestType;
import org.apache.sling.distribution.Distributor;
import org.apache.sling.distribution.SimpleDistributionRequest;
import org.osgi.framework.BundleContext;

/**
 * Assets, and their publication by Sling's own content distribution: what AEM as a Cloud Service does before its agent is
 * asked, and what Brand Portal does with the package that the agent delivers.
 */
final class Distribution implements Filter {
    private static final String AGENT = "bpdistributionagent0";
    private static final String API = "/api/assets/";
    private static final String UPLOAD = ".createasset.html";
    private static final String PUBLISH = "/libs/dam/content/mediaportal/publish";
    private static final String UNPUBLISH = "/libs/dam/content/mediaportal/unpublish";
    private static final String RECEIVE = "/bin/stand-ins/receive";
    private static final String ORIGINAL = "/_jcr_content/renditions/original";
    private static final Pattern ROOT = Pattern.compile("<filter [^>]*root=\"([^\"]*)\"");
    private static final Pattern MARKED = Pattern.compile("DSTRPCK:+([A-Z]+)\\|(.*)", Pattern.DOTALL);

    private final BundleContext context;

    Distribution(BundleContext context) {
        this.context = context;
    }

    @Override
    public void init(FilterConfig config) {}

    @Override
    public void destroy() {}

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        var asked = (SlingHttpServletRequest) request;
        String path = asked.getPathInfo() == null ? "" : asked.getPathInfo();
        boolean isOurs = path.startsWith(API) || path.endsWith(UPLOAD) || path.equals(PUBLISH) || path.equals(UNPUBLISH)
            || path.equals(RECEIVE);
        if (!isOurs || !Web.isPost(asked)) {
            chain.doFilter(request, response);
            return;
        }
        try {
            answer(asked, (SlingHttpServletResponse) response, path);
        } catch (RepositoryException problem) {
            Web.text((SlingHttpServletResponse) response, 500, problem.toString());
        }
    }

    private void answer(SlingHttpServletRequest request, SlingHttpServletResponse response, String path)
            throws IOException, RepositoryException {
        if (path.startsWith(API)) {
            folder(Web.session(request), "/content/dam/" + path.substring(API.length()));
            Web.json(response, 201, Web.object("class", "core/response").build());
        } else if (path.endsWith(UPLOAD)) {
            upload(request, path.substring(0, path.length() - UPLOAD.length()));
            Web.html(response, "Content created", "<div id=\"Status\">200</div><div id=\"Path\">"
                + Web.escape(path.substring(0, path.length() - UPLOAD.length())) + "</div>");
        } else if (path.equals(RECEIVE)) {
            receive(request, response);
        } else {
            for (String one : request.getParameterValues("path")) {
                request(request, one, path.equals(PUBLISH));
            }
            Web.text(response, 200, "The content is queued for publishing.");
        }
    }

    private static void folder(Session session, String path) throws RepositoryException {
        int end = path.lastIndexOf('/');
        session.getNode(path.substring(0, end)).addNode(path.substring(end + 1), "sling:OrderedFolder");
        session.save();
    }

    private static void upload(SlingHttpServletRequest request, String folder) throws IOException, RepositoryException {
        Session session = Web.session(request);
        Node asset = session.getNode(folder).addNode(Web.parameter(request, "fileName"), "dam:Asset");
        Node content = asset.addNode("jcr:content", "dam:AssetContent");
        content.addNode("metadata", "nt:unstructured");
        Node file = content.addNode("renditions", "nt:folder").addNode("original", "nt:file");
        Node data = file.addNode("jcr:content", "nt:resource");
        data.setProperty("jcr:mimeType", "application/octet-stream");
        byte[] bytes = request.getRequestParameter("file").get();
        data.setProperty("jcr:data", session.getValueFactory().createBinary(new ByteArrayInputStream(bytes)));
        session.save();
    }

    /** An asset goes with all of its nodes and takes its parent folder along, of which only its own node goes. */
    private void request(SlingHttpServletRequest request, String path, boolean adds)
            throws IOException, RepositoryException {
        var distributor = context.getService(context.getServiceReference(Distributor.class));
        if (distributor == null) {
            throw new IOException("this Sling has no content distribution");
        }
        List<String> paths = new ArrayList<>(List.of(path));
        if (adds && Web.session(request).getNode(path).isNodeType("dam:Asset")) {
            paths.add(path.substring(0, path.lastIndexOf('/')));
        }
        var type = adds ? DistributionRequestType.ADD : DistributionRequestType.DELETE;
        for (String one : paths) {
            distributor.distribute(AGENT, request.getResourceResolver(), new SimpleDistributionRequest(type, one.equals(path), one));
        }
    }

    /** Takes what the agent delivers, and hands each of its paths on to the tenant as an agent of AEM does. */
    private static void receive(SlingHttpServletRequest request, SlingHttpServletResponse response)
            throws IOException, RepositoryException {
        byte[] all = request.getInputStream().readAllBytes();
        String text = new String(all, StandardCharsets.ISO_8859_1);
        int archive = text.indexOf("PK\003\004");
        int status = 200;
        if (archive >= 0) {
            for (var one : content(Arrays.copyOfRange(all, archive, all.length)).entrySet()) {
                status = Math.max(status, hand(Web.session(request), "Activate", one.getKey(), one.getValue()));
            }
        } else {
            // What is before the last mark is a description of the package, which names it, too.
            var marked = MARKED.matcher(text.substring(Math.max(text.lastIndexOf("DSTRPCK:"), 0)));
            if (!marked.matches()) {
                Web.text(response, 400, "this is no package");
                return;
            }
            String action = marked.group(1).equals("DELETE") ? "Deactivate" : "Test";
            status = hand(Web.session(request), action, action.equals("Test") ? "/" : marked.group(2), new byte[0]);
        }
        Web.text(response, status, "");
    }

    /** The roots of a FileVault package, each with the bytes of its original, or else of its filter. */
    private static Map<String, byte[]> content(byte[] archive) throws IOException {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        try (var zip = new ZipInputStream(new ByteArrayInputStream(archive))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                entries.put(entry.getName(), zip.readAllBytes());
            }
        }
        byte[] filter = entries.getOrDefault("META-INF/vault/filter.xml", new byte[0]);
        Map<String, byte[]> roots = new LinkedHashMap<>();
        var found = ROOT.matcher(new String(filter, StandardCharsets.UTF_8));
        while (found.find()) {
            roots.put(found.group(1), entries.getOrDefault("jcr_root" + found.group(1) + ORIGINAL, filter));
        }
        return roots;
    }

    /** The status that the tenant answers. */
    private static int hand(Session session, String action, String path, byte[] body)
            throws IOException, RepositoryException {
        for (Node page : Web.children(session, "/etc/cloudservices/mediaportal")) {
            Node configuration = page.hasNode("jcr:content") ? page.getNode("jcr:content") : page;
            Node provider = Ims.provider(session, Web.property(configuration, "imsConfig"));
            if (provider != null) {
                String url = Web.property(configuration, "tenantURL").replaceFirst("/$", "");
                return Wire.send("POST", url + "/bin/receive?sling:authRequestLogin=1", Map.of(
                    "Action", action, "Path", path, "Handle", path, "Content-Type", "application/octet-stream",
                    "Authorization", "Bearer " + Ims.token(session, provider)), body).status;
            }
        }
        throw new IOException("there is no cloud configuration with its IMS configuration");
    }
}
