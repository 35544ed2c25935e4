package bpconform.standins;

import java.io.IOException;
import java.io.InputStream;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.json.Json;
import javax.servlet.Filter;
import javax.servlet.FilterChain;
import javax.servlet.FilterConfig;
import javax.servlet.ServletException;
import javax.servlet.ServletRequest;
import javax.servlet.ServletResponse;
import org.apache.jackrabbit.vault.fs.io.AccessControlHandling;
import org.apache.jackrabbit.vault.fs.io.ImportOptions;
import org.apache.jackrabbit.vault.packaging.JcrPackage;
import org.apache.jackrabbit.vault.packaging.JcrPackageDefinition;
import org.apache.jackrabbit.vault.packaging.JcrPackageManager;
import org.apache.jackrabbit.vault.packaging.PackageException;
import org.apache.jackrabbit.vault.packaging.Packaging;
import org.apache.sling.api.SlingHttpServletRequest;
import org.apache.sling.api.SlingHttpServletResponse;

/** Package Manager's servlets, on the real FileVault. */
final class Packages {
    private static final String SERVICE = "/crx/packmgr/service/.json";

    private Packages() {}

    static final class List extends Web {
        private static final long serialVersionUID = 1;
        private final transient Packaging packaging;

        List(Packaging packaging) {
            this.packaging = packaging;
        }

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            Session session = session(request);
            var results = Json.createArrayBuilder();
            // An AEM that lists no package at all hides them.
            results.add(object("pid", "stand-ins:aem:1", "path", "/etc/packages/stand-ins/aem-1.zip", "name", "aem",
                "downloadName", "aem-1.zip", "group", "stand-ins", "version", "1", "resolved", true));
            int total = 1;
            for (JcrPackage one : packaging.getPackageManager(session).listPackages()) {
                JcrPackageDefinition definition = one.getDefinition();
                var id = definition.getId();
                results.add(object("pid", id.toString(), "path", one.getNode().getPath(), "name", id.getName(),
                    "downloadName", id.getDownloadName(), "group", id.getGroup(), "version", id.getVersionString(),
                    "size", one.getSize(), "created", millis(definition.getCreated()), "lastModified",
                    millis(definition.getLastModified()), "lastUnpacked", millis(definition.getLastUnpacked()),
                    "resolved", true));
                total++;
                one.close();
            }
            json(response, 200, object("results", results, "total", total).build());
        }
    }

    private static long millis(java.util.Calendar time) {
        return time == null ? 0 : time.getTimeInMillis();
    }

    static final class Service extends Web {
        private static final long serialVersionUID = 1;
        private final transient Packaging packaging;

        Service(Packaging packaging) {
            this.packaging = packaging;
        }

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
                throws IOException, RepositoryException {
            if (!"ls".equals(parameter(request, "cmd"))) {
                text(response, 400, "this stand-in for the package service only knows cmd=ls");
                return;
            }
            var xml = new StringBuilder("<crx version=\"1.4.56\" user=\"" + session(request).getUserID()
                + "\" workspace=\"crx.default\">\n<request>\n<param name=\"cmd\" value=\"ls\"/>\n</request>\n"
                + "<response>\n<data><packages>\n");
            for (JcrPackage one : packaging.getPackageManager(session(request)).listPackages()) {
                var definition = one.getDefinition();
                var id = definition.getId();
                xml.append("<package>\n<group>").append(escape(id.getGroup())).append("</group>\n<name>")
                    .append(escape(id.getName())).append("</name>\n<version>").append(escape(id.getVersionString()))
                    .append("</version>\n<downloadName>").append(escape(id.getDownloadName()))
                    .append("</downloadName>\n<size>").append(one.getSize()).append("</size>\n<lastUnpacked>")
                    .append(definition.getLastUnpacked() == null ? "" : definition.getLastUnpacked().getTime().toString())
                    .append("</lastUnpacked>\n</package>\n");
                one.close();
            }
            send(response, 200, "text/xml", xml + "</packages></data>\n<status code=\"200\">ok</status>\n</response>\n</crx>\n");
        }
    }

    /** A filter, because the package's own path stands behind the servlet's, with an extension in between. */
    static final class Commands implements Filter {
        private final Packaging packaging;

        Commands(Packaging packaging) {
            this.packaging = packaging;
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
            if (!path.startsWith(SERVICE)) {
                chain.doFilter(request, response);
            } else if (Web.isPost(asked)) {
                answer(asked, (SlingHttpServletResponse) response, path.substring(SERVICE.length()));
            } else {
                Web.text((SlingHttpServletResponse) response, 405, "POST is expected");
            }
        }

        private void answer(SlingHttpServletRequest request, SlingHttpServletResponse response, String path)
                throws IOException {
            String asked = Web.parameter(request, "cmd");
            try {
                Session session = Web.session(request);
                JcrPackageManager manager = packaging.getPackageManager(session);
                if (asked.equals("upload")) {
                    try (InputStream file = request.getRequestParameter("package").getInputStream()) {
                        JcrPackage made = manager.upload(file, true);
                        told(response, true, "Package uploaded", made.getNode().getPath());
                        made.close();
                    }
                } else {
                    command(manager, session, response, path, asked);
                }
            } catch (PackageException | RepositoryException | IOException | RuntimeException problem) {
                told(response, false, problem.toString(), path);
            }
        }

        private static void command(
                JcrPackageManager manager, Session session, SlingHttpServletResponse response, String path, String command)
                throws IOException, RepositoryException, PackageException {
            if (!session.nodeExists(path)) {
                told(response, false, "no package", path);
                return;
            }
            JcrPackage one = manager.open(session.getNode(path));
            switch (command) {
                case "build":
                    manager.assemble(one, null);
                    break;
                case "install":
                    var options = new ImportOptions();
                    options.setAccessControlHandling(AccessControlHandling.OVERWRITE);
                    one.install(options);
                    break;
                case "delete":
                    manager.remove(one);
                    break;
                default:
                    told(response, false, "this stand-in does not know cmd=" + command, path);
                    return;
            }
            told(response, true, "Package " + command, path);
        }

        private static void told(SlingHttpServletResponse response, boolean success, String message, String path)
                throws IOException {
            Web.json(response, 200, Web.object("success", success, "msg", message, "path", path).build());
        }
    }
}
