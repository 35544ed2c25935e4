package bpconform.standins;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** One request over plain HTTP/1.0. Names below `localhost` are this machine, whatever its resolver says (RFC 6761). */
final class Wire {
    final int status;
    final String reason;
    final List<String> headers;
    final byte[] body;

    private Wire(byte[] answer) throws IOException {
        String text = new String(answer, StandardCharsets.ISO_8859_1);
        int end = text.indexOf("\r\n\r\n");
        if (end < 0) {
            throw new IOException("the answer has no end of its headers");
        }
        String[] lines = text.substring(0, end).split("\r\n");
        String[] first = lines[0].split(" ", 3);
        status = Integer.parseInt(first[1]);
        reason = first.length > 2 ? first[2] : "";
        headers = Arrays.asList(lines).subList(1, lines.length);
        body = Arrays.copyOfRange(answer, end + 4, answer.length);
    }

    String text() {
        return new String(body, StandardCharsets.UTF_8);
    }

    static Wire send(String method, String url, Map<String, String> headers, byte[] body) throws IOException {
        URI uri = URI.create(url);
        String host = uri.getHost();
        String address = host.equals("localhost") || host.endsWith(".localhost") ? "127.0.0.1" : host;
        try (Socket socket = new Socket(address, uri.getPort() < 0 ? 80 : uri.getPort())) {
            socket.setSoTimeout(20_000);
            String target = uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
            var head = new StringBuilder(method + " " + target
                + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery()) + " HTTP/1.0\r\nHost: " + uri.getRawAuthority()
                + "\r\nContent-Length: " + body.length + "\r\n");
            headers.forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
            socket.getOutputStream().write((head + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().write(body);
            socket.getOutputStream().flush();
            var answer = new ByteArrayOutputStream();
            socket.getInputStream().transferTo(answer);
            return new Wire(answer.toByteArray());
        }
    }
}
