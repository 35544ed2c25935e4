package bpconform.standins;

import java.io.IOException;
import java.io.InputStream;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Map;
import java.util.TreeMap;
import javax.jcr.Node;
import javax.jcr.NodeIterator;
import javax.jcr.Property;
import javax.jcr.PropertyIterator;
import javax.jcr.PropertyType;
import javax.jcr.RepositoryException;
import javax.jcr.Value;
import javax.json.Json;
import javax.json.JsonObjectBuilder;
import org.apache.sling.api.SlingHttpServletRequest;
import org.apache.sling.api.SlingHttpServletResponse;

/** The whole repository, each node with its properties, their types and the order of its children. */
final class Dump extends Web {
    private static final long serialVersionUID = 1;

    @Override
    void answer(SlingHttpServletRequest request, SlingHttpServletResponse response)
            throws IOException, RepositoryException {
        JsonObjectBuilder all = Json.createObjectBuilder();
        node(session(request).getRootNode(), all);
        json(response, 200, all.build());
    }

    private static void node(Node node, JsonObjectBuilder all) throws RepositoryException, IOException {
        JsonObjectBuilder one = Json.createObjectBuilder();
        Map<String, String> properties = new TreeMap<>();
        for (PropertyIterator of = node.getProperties(); of.hasNext();) {
            Property property = of.nextProperty();
            properties.put(property.getName(), text(property));
        }
        properties.forEach(one::add);
        var order = new StringBuilder();
        for (NodeIterator of = node.getNodes(); of.hasNext();) {
            order.append(order.length() == 0 ? "" : " | ").append(of.nextNode().getName());
        }
        if (node.getPrimaryNodeType().hasOrderableChildNodes()) {
            one.add(":order", order.toString());
        }
        all.add(node.getPath(), one);
        for (NodeIterator of = node.getNodes(); of.hasNext();) {
            Node child = of.nextNode();
            if (!child.getPath().equals("/jcr:system") && !child.getPath().equals("/oak:index")) {
                node(child, all);
            }
        }
    }

    private static String text(Property property) throws RepositoryException, IOException {
        var text = new StringBuilder(PropertyType.nameFromValue(property.getType()));
        for (Value value : property.isMultiple() ? property.getValues() : new Value[] {property.getValue()}) {
            text.append(property.isMultiple() ? " [" : " ");
            if (value.getType() == PropertyType.BINARY) {
                text.append(digest(value));
            } else {
                text.append(value.getString());
            }
            text.append(property.isMultiple() ? "]" : "");
        }
        return text.toString();
    }

    private static String digest(Value value) throws RepositoryException, IOException {
        try (InputStream bytes = value.getBinary().getStream()) {
            var digest = MessageDigest.getInstance("SHA-256");
            new DigestInputStream(bytes, digest).transferTo(java.io.OutputStream.nullOutputStream());
            return new java.math.BigInteger(1, digest.digest()).toString(16);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IOException(impossible);
        }
    }
}
