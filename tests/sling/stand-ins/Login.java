package bpconform.standins;

import java.io.IOException;
import javax.jcr.Credentials;
import javax.jcr.SimpleCredentials;
import javax.servlet.http.Cookie;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.apache.jackrabbit.api.security.authentication.token.TokenCredentials;
import org.apache.sling.api.SlingHttpServletRequest;
import org.apache.sling.api.SlingHttpServletResponse;
import org.apache.sling.auth.core.spi.AuthenticationHandler;
import org.apache.sling.auth.core.spi.AuthenticationInfo;
import org.apache.sling.auth.core.spi.DefaultAuthenticationFeedbackHandler;

/** The login page, the login by form with Oak's own tokens, and the token against forged requests. */
final class Login {
    static final String PAGE = "/libs/granite/core/content/login.html";
    private static final String COOKIE = "login-token";
    private static final String TOKEN = ".token";

    private Login() {}

    static final class Page extends Web {
        private static final long serialVersionUID = 1;

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response) throws IOException {
            html(response, "AEM Sign In", "<!-- QUICKSTART_HOMEPAGE -->\n<form method=\"post\" action=\""
                + request.getContextPath() + PAGE + "/j_security_check\">\n"
                + "<input name=\"j_username\"><input type=\"password\" name=\"j_password\">\n"
                + "<button type=\"submit\">Sign In</button></form>");
        }
    }

    static final class Csrf extends Web {
        private static final long serialVersionUID = 1;

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response) throws IOException {
            json(response, 200, object("token", "made-up-by-the-stand-in").build());
        }
    }

    /** Takes what the form sends, makes a token of Oak's own of it, and takes that from its cookie from then on. */
    static final class Tokens extends DefaultAuthenticationFeedbackHandler implements AuthenticationHandler {
        @Override
        public AuthenticationInfo extractCredentials(HttpServletRequest request, HttpServletResponse response) {
            if ("POST".equals(request.getMethod()) && request.getRequestURI().endsWith("/j_security_check")) {
                String user = request.getParameter("j_username");
                String password = request.getParameter("j_password");
                if (user == null || password == null) {
                    return null;
                }
                var credentials = new SimpleCredentials(user, password.toCharArray());
                // Oak makes a token and writes it below the user when this attribute is there and empty.
                credentials.setAttribute(TOKEN, "");
                return with(credentials, user, password.toCharArray());
            }
            for (Cookie cookie : request.getCookies() == null ? new Cookie[0] : request.getCookies()) {
                if (COOKIE.equals(cookie.getName()) && !cookie.getValue().isEmpty()) {
                    return with(new TokenCredentials(cookie.getValue()), null, null);
                }
            }
            return null;
        }

        private static AuthenticationInfo with(Credentials credentials, String user, char[] password) {
            var info = user == null ? new AuthenticationInfo("TOKEN") : new AuthenticationInfo("TOKEN", user, password);
            info.put("user.jcr.credentials", credentials);
            return info;
        }

        @Override
        public boolean authenticationSucceeded(
                HttpServletRequest request, HttpServletResponse response, AuthenticationInfo info) {
            Object credentials = info.get("user.jcr.credentials");
            if (!(credentials instanceof SimpleCredentials)) {
                return false;
            }
            var cookie = new Cookie(COOKIE, String.valueOf(((SimpleCredentials) credentials).getAttribute(TOKEN)));
            cookie.setHttpOnly(true);
            cookie.setPath("/");
            response.addCookie(cookie);
            response.setStatus(HttpServletResponse.SC_FOUND);
            response.setHeader("Location", request.getContextPath() + "/");
            return true;
        }

        @Override
        public boolean requestCredentials(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.sendRedirect(request.getContextPath() + PAGE);
            return true;
        }

        @Override
        public void dropCredentials(HttpServletRequest request, HttpServletResponse response) {
            var cookie = new Cookie(COOKIE, "");
            cookie.setMaxAge(0);
            cookie.setPath("/");
            response.addCookie(cookie);
        }
    }
}
