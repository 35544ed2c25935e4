package bpconform.standins;

import java.io.IOException;
import java.io.PrintWriter;
import org.apache.felix.inventory.Format;
import org.apache.felix.inventory.InventoryPrinter;
import org.apache.sling.api.SlingHttpServletRequest;
import org.apache.sling.api.SlingHttpServletResponse;

/** What an Author says of its version. */
final class Status {
    private static final String VERSION = System.getProperty("bpconform.version", "6.5.21.0");

    private Status() {}

    static final class ProductInfo implements InventoryPrinter {
        @Override
        public void print(PrintWriter out, Format format, boolean isZip) {
            out.println("Installed Products");
            out.println("  Adobe Experience Manager (" + VERSION + ")");
        }
    }

    static final class Overview extends Web {
        private static final long serialVersionUID = 1;

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response) throws IOException {
            json(response, 200, object(
                "Instance", object("Adobe Experience Manager", VERSION, "Run Modes", "author, crx3, crx3tar"),
                "Health Checks", object("Critical", 0, "Warn", 0)).build());
        }
    }
}
