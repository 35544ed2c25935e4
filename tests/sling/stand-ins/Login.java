package bpconform.standins;

import java.io.IOException;
import javax.jcr.RepositoryException;
import javax.jcr.SimpleCredentials;
import javax.servlet.http.Cookie;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.apache.jackrabbit.api.security.authentication.token.TokenCredentials;
import org.apache.sling.api.SlingHttpServletRequest;
import org.apache.sling.api.SlingHttpServletResponse;
import org.apache.sling.auth.core.spi.AuthenticationHandler;
import org.apache.sling.auth.core.spi.AuthenticationInfo;
import org.apache.sling.jcr.api.SlingRepository;

/** The login page, the login by form with Oak's own tokens, and the token against forged requests. */
final class Login {
    static final String PAGE = "/libs/granite/core/content/login.html";
    private static final String COOKIE = "login-token";

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

    static final class Security extends Web {
        private static final long serialVersionUID = 1;
        private final transient SlingRepository repository;

        Security(SlingRepository repository) {
            this.repository = repository;
        }

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response) throws IOException {
            String password = parameter(request, "j_password");
            var credentials = new SimpleCredentials(parameter(request, "j_username"), password.toCharArray());
            // Oak makes a token and writes it below the user when this attribute is there and empty.
            credentials.setAttribute(".token", "");
            try {
                repository.login(credentials).logout();
            } catch (RepositoryException refused) {
                response.setHeader("X-Reason", "User name and password do not match");
                response.setHeader("X-Reason-Code", "invalid_login");
                text(response, 403, "User name and password do not match");
                return;
            }
            var cookie = new Cookie(COOKIE, credentials.getAttribute(".token").toString());
            cookie.setHttpOnly(true);
            cookie.setPath("/");
            response.addCookie(cookie);
            if ("true".equals(parameter(request, "j_validate"))) {
                text(response, 200, "");
            } else {
                response.sendRedirect(request.getContextPath() + "/");
            }
        }
    }

    static final class Csrf extends Web {
        private static final long serialVersionUID = 1;

        @Override
        void answer(SlingHttpServletRequest request, SlingHttpServletResponse response) throws IOException {
            json(response, 200, object("token", "made-up-by-the-stand-in").build());
        }
    }

    /** Takes the cookie that the form gave. */
    static final class Cookies implements AuthenticationHandler {
        @Override
        public AuthenticationInfo extractCredentials(HttpServletRequest request, HttpServletResponse response) {
            for (Cookie cookie : request.getCookies() == null ? new Cookie[0] : request.getCookies()) {
                if (COOKIE.equals(cookie.getName())) {
                    var info = new AuthenticationInfo("TOKEN");
                    info.put("user.jcr.credentials", new TokenCredentials(cookie.getValue()));
                    return info;
                }
            }
            return null;
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
