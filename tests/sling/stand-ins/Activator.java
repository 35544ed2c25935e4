package bpconform.standins;

import java.util.Arrays;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.Map;
import javax.servlet.Filter;
import javax.servlet.Servlet;
import org.apache.felix.inventory.InventoryPrinter;
import org.apache.jackrabbit.vault.packaging.Packaging;
import org.apache.sling.api.servlets.ServletResolver;
import org.apache.sling.auth.core.spi.AuthenticationHandler;
import org.apache.sling.engine.SlingRequestProcessor;
import org.apache.sling.jcr.api.SlingRepository;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.util.tracker.ServiceTracker;
import org.slf4j.LoggerFactory;

/** Registers what stands in for AEM's own servlets, once the repository and FileVault are there. */
public final class Activator implements BundleActivator {
    @Override
    public void start(BundleContext context) {
        var waiting = new Thread(() -> register(context), "stand-ins");
        waiting.setDaemon(true);
        waiting.start();
    }

    @Override
    public void stop(BundleContext context) {}

    private static <T> T await(BundleContext context, Class<T> service) throws InterruptedException {
        var tracker = new ServiceTracker<T, T>(context, service, null);
        tracker.open();
        return tracker.waitForService(0);
    }

    private static void register(BundleContext context) {
        try {
            SlingRepository repository = await(context, SlingRepository.class);
            Packaging packaging = await(context, Packaging.class);
            await(context, ServletResolver.class);
            await(context, SlingRequestProcessor.class);
            context.registerService(InventoryPrinter.class, new Status.ProductInfo(), properties(
                InventoryPrinter.NAME, "productinfo",
                InventoryPrinter.TITLE, "Product Information",
                InventoryPrinter.FORMAT, new String[] {"TEXT"}));
            context.registerService(AuthenticationHandler.class, new Login.Tokens(), properties(
                AuthenticationHandler.PATH_PROPERTY, "/", AuthenticationHandler.TYPE_PROPERTY, "TOKEN"));
            path(context, new Status.Overview(), "/libs/granite/operations/content/systemoverview/export.json");
            path(context, new Login.Csrf(), "/libs/granite/csrf/token.json");
            path(context, new Users.Current(), "/libs/granite/security/currentuser.json");
            path(context, new Users.Search(), "/libs/granite/security/search/authorizables.json");
            path(context, new Users.Create(), "/libs/granite/security/post/authorizables");
            path(context, new Users.Query(), "/bin/querybuilder.json");
            type(context, new Users.Delete(), "POST", "rep:User", "rep:SystemUser", "rep:Group");
            type(context, new Users.KeyStore(), "GET", "rep:User", "rep:SystemUser");
            type(context, new Agents.Page(), "GET", "cq:Page");
            type(context, new Agents.Queue(), "GET,POST", Agents.TYPE);
            path(context, new Cloud(), "/apps/brandportal/config");
            path(context, new Ims.Console(), Ims.CONSOLE);
            path(context, new Ims.Update(), Ims.SERVLETS + "update");
            path(context, new Ims.Delete(), Ims.SERVLETS + "delete");
            path(context, new Ims.Health(), Ims.SERVLETS + "health");
            path(context, new Packages.List(packaging), "/crx/packmgr/list.jsp");
            path(context, new Packages.Service(packaging), "/crx/packmgr/service.jsp");
            context.registerService(Filter.class, new Packages.Commands(packaging), properties(
                "sling.filter.scope", "REQUEST"));
            // The class cannot even be loaded where content distribution is not installed.
            if (hasBundle(context, "org.apache.sling.distribution.api")) {
                context.registerService(Filter.class, new Distribution(context), properties(
                    "sling.filter.scope", "REQUEST"));
            }
            path(context, new Content(repository), "/bin/stand-ins/copy");
            path(context, new Dump(), "/bin/stand-ins/dump");
            // The last: whoever finds the login page finds all the others.
            path(context, new Login.Page(), Login.PAGE);
            LoggerFactory.getLogger(Activator.class).info("the stand-ins are registered");
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean hasBundle(BundleContext context, String name) {
        return Arrays.stream(context.getBundles()).anyMatch(bundle -> name.equals(bundle.getSymbolicName()));
    }

    private static void path(BundleContext context, Servlet servlet, String... paths) {
        String open = paths[0].startsWith(Login.PAGE) ? "-" : "+";
        context.registerService(Servlet.class, servlet, properties(
            "sling.servlet.paths", paths, "sling.servlet.methods", "*", "sling.auth.requirements", open + paths[0]));
    }

    private static void type(BundleContext context, Servlet servlet, String methods, String... types) {
        context.registerService(Servlet.class, servlet, properties(
            "sling.servlet.resourceTypes", types, "sling.servlet.methods", methods.split(",")));
    }

    private static Dictionary<String, Object> properties(Object... pairs) {
        Map<String, Object> all = new Hashtable<>();
        for (int at = 0; at < pairs.length; at += 2) {
            all.put((String) pairs[at], pairs[at + 1]);
        }
        return new Hashtable<>(all);
    }
}
