use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

/// A secret that looks different in every encoding.
const SECRET: &str = "p8x-\"a/b c+ü&<d>'e\\f";

fn foreign(text: &str) -> String {
    Redactor::default().redact_foreign(text).into_owned()
}

fn own(text: &str) -> String {
    Redactor::default().redact(text).into_owned()
}

fn percent(secret: &str) -> String {
    url::form_urlencoded::byte_serialize(secret.as_bytes()).collect()
}

fn json(secret: &str) -> String {
    let json = serde_json::Value::from(secret).to_string();
    json[1..json.len() - 1].to_owned()
}

fn hex(bytes: &[u8], between: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

fn broken(text: &str, width: usize) -> String {
    text.as_bytes().chunks(width).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\r\n")
}

/// `%2F` as `%2f`.
fn lower_case_escapes(text: &str) -> String {
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |lower, part| lower + "%" + &part[..2].to_lowercase() + &part[2..])
}

/// With `\u00fc` in place of every letter that is not ASCII.
fn escaped(text: &str) -> String {
    let escape = |it: char| if it.is_ascii() { it.to_string() } else { format!("\\u{:04x}", u32::from(it)) };
    text.chars().map(escape).collect()
}

fn quoted_printable(text: &str) -> String {
    let plain = |byte: u8| byte != b'=' && (0x20..0x7f).contains(&byte);
    text.bytes().map(|it| if plain(it) { char::from(it).into() } else { format!("={it:02X}") }).collect()
}

/// The forms of finding B.3, and more.
fn every_form(secret: &str) -> Vec<String> {
    let all = |write: fn(char) -> String| secret.chars().map(write).collect::<String>();
    let latin1: Vec<u8> = secret.chars().filter_map(|it| u8::try_from(u32::from(it)).ok()).collect();
    let base64 = STANDARD.encode(format!("user:{secret}, and more of a text that fills some lines"));
    vec![
        secret.to_owned(),
        json(secret),
        json(&json(secret)),
        json(&json(&json(secret))),
        json(secret).replace('/', "\\/"),
        all(|it| format!("\\u{:04x}", u32::from(it))),
        all(|it| if it.is_alphanumeric() { it.to_string() } else { format!("\\u{:04X}", u32::from(it)) }),
        all(|it| format!("&#{};", u32::from(it))),
        all(|it| format!("&#x{:x};", u32::from(it))),
        all(|it| format!("&#X{:X};", u32::from(it))),
        html_escape::encode_double_quoted_attribute(secret).into_owned(),
        html_escape::encode_double_quoted_attribute(&json(secret)).into_owned(),
        html_escape::encode_text(&*html_escape::encode_double_quoted_attribute(secret)).into_owned(),
        percent(secret),
        percent(secret).replace('+', "%20"),
        percent(&percent(secret)),
        lower_case_escapes(&percent(secret)),
        secret.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        base64.clone(),
        broken(&base64, 76),
        broken(&base64, 20),
        STANDARD.encode(format!("a=1&client_secret={}&b=2", percent(secret))),
        STANDARD.encode(STANDARD.encode(secret)),
        STANDARD.encode(json(secret)),
        hex(secret.as_bytes(), ""),
        hex(secret.as_bytes(), ":"),
        hex(secret.as_bytes(), " ").to_uppercase(),
        hex(secret.as_bytes(), "-"),
        format!("\\x{}", hex(secret.as_bytes(), "\\x")),
        String::from_utf8_lossy(&latin1).into_owned(),
        secret.bytes().map(char::from).collect(),
        latin1.iter().map(|byte| format!("%{byte:02X}")).collect(),
        STANDARD.encode(format!("client_secret={}", percent(secret).replace('+', "%20"))),
        STANDARD.encode(format!("{{\"k\":\"{}\"}}", escaped(&json(secret)))),
        STANDARD.encode(percent(secret).replace('+', "%20")),
        STANDARD.encode(escaped(&json(secret))),
        hex(&latin1, ""),
        hex(&secret.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(), ""),
        hex(&secret.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>(), ""),
        secret.bytes().map(|byte| format!("\\{byte:03o}")).collect(),
        latin1.iter().map(|byte| format!("\\{byte:03o}")).collect(),
        all(|it| format!("\\u{{{:x}}}", u32::from(it))),
        secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", "),
        secret.bytes().map(|byte| byte.cast_signed().to_string()).collect::<Vec<_>>().join(","),
        data_encoding::BASE32_NOPAD.encode(secret.as_bytes()),
        quoted_printable(secret),
        secret.bytes().map(|byte| format!("={byte:02X}")).collect(),
        icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(secret).into_owned(),
    ]
}

#[test]
fn every_form_of_a_known_secret_is_masked() {
    let redactor = Redactor::default();
    redactor.learn(SECRET);
    for form in every_form(SECRET) {
        let masked = redactor.redact(&format!("<{form}>")).into_owned();
        assert!(masked.contains(MASK), "{form}: {masked}");
        // Base64 of a longer text shows what stands around the secret.
        let left = masked.replace(MASK, "");
        assert!(
            left.len() <= 8 || (form.len() > 3 * SECRET.len() && left.len() + SECRET.len() < form.len()),
            "{form}: {masked}"
        );
    }
}

#[test]
fn a_secret_within_a_text_in_base32_is_masked() {
    let redactor = Redactor::default();
    redactor.learn(SECRET);
    for before in 0..7 {
        let text = data_encoding::BASE32.encode(format!("{}{SECRET}.", "x".repeat(before)).as_bytes());
        assert!(redactor.redact(&text).contains(MASK), "{text}");
    }
}

#[test]
fn a_secret_in_utf_16_is_masked() {
    let redactor = Redactor::default();
    redactor.learn("p8x-canary-of-tests");
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        let bytes: Vec<u8> = "pw: p8x-canary-of-tests.".encode_utf16().flat_map(order).collect();
        let masked = redactor.redact(&String::from_utf8_lossy(&bytes)).into_owned();
        assert!(masked.contains(MASK) && !masked.contains("c\0a\0n"), "{masked:?}");
        let masked = redactor.redact(&STANDARD.encode(&bytes)).into_owned();
        assert!(masked.contains(MASK), "{masked}");
    }
}

/// Texts of a target in which `CANARY` stands where only a secret stands.
const POSITIONS: &[&str] = &[
    r#"{"transportPassword":"CANARY"}"#,
    r#"{"a":{"b":[{"proxyPassword" : "CANARY"}]}}"#,
    r#"{"rep:password":"{SHA-256}CANARY"}"#,
    r#"{"rep:token.key":"CANARY"}"#,
    r#"{"auth.ims.client.secret":"CANARY","jcr:title":"a"}"#,
    r#"{"client_secret":["CANARY","CANARY"]}"#,
    r#"{"secrets":{"one":["CANARY"],"two":{"value":"CANARY"}}}"#,
    r#"{"client_secret":{"value":"CANARY","type":"password"}}"#,
    r#"{"name":"client_secret","value":"CANARY"}"#,
    r#"{"value":"CANARY","name":"X-Auth-Token"}"#,
    r#"[["Authorization","Bearer CANARY"],["Accept","a"]]"#,
    r#"{"body":"{\"client_secret\":\"CANARY\"}"}"#,
    r#"{"body":"{\"b\":\"{\\\"access_token\\\":\\\"CANARY\\\"}\"}"}"#,
    r#"{"body":"{\"passwords\":[\"CANARY\"]}"}"#,
    r#"{"access_token":"CANARY","expires_in":3} and garbage"#,
    r#"garbage {"access_token":"CANARY"#,
    "{'refresh_token': 'CANARY'}",
    "{id_token: 'CANARY'}",
    "access_token=CANARY&expires_in=3",
    "a=b&client_secret=CANARY",
    "a=b;client_secret=CANARY;c=d",
    "Location: https://host/cb?code=1&access_token=CANARY&x=y",
    "https://host/cb#id_token=CANARY&state=1",
    "https://host/cb?next=%2Fa%3Faccess_token%3DCANARY%26b%3Dc",
    "X-Auth-Token: CANARY",
    "x-api-key: CANARY",
    "Authorization: Bearer CANARY",
    "authorization: Token token=\"CANARY\"",
    "Proxy-Authorization: Basic CANARY",
    "Cookie: a=CANARY; login-token=CANARY",
    "Set-Cookie: login-token=CANARY; Path=/; HttpOnly",
    "2025-11-27 10:00:00 - INFO - agent : << Set-Cookie: login-token=CANARY; Path=/<br>",
    "2025-11-27 10:00:00 - >> Authorization: Bearer CANARY<br>",
    "2025-11-27 10:00:00 - &gt;&gt; X-Auth-Token: CANARY<br>",
    "27.11.2025 *ERROR* [x] com.adobe.Y request failed: client_secret=CANARY, client_id=abc",
    "*INFO* login with password CANARY for user admin",
    "*INFO* the client secret is 'CANARY'",
    "password: CANARY",
    "smtp.password=CANARY",
    "smtp.password = CANARY\nsmtp.user = a",
    "keyStorePassword=\"CANARY\"",
    "client.secret=T\"CANARY\"",
    "client.secrets=[\"CANARY\",\"CANARY\"]",
    "client.secrets=( \"CANARY\", )",
    "<password>CANARY</password>",
    "<a:clientSecret xmlns:a=\"b\"><![CDATA[CANARY]]></a:clientSecret>",
    "<jcr:root transportPassword=\"CANARY\" transportUri=\"http://a\"/>",
    "<property name=\"smtp.password\" value=\"CANARY\"/>",
    "<property value='CANARY' name='smtp.password'/>",
    "<property name=\"smtp.password\"><value>CANARY</value></property>",
    "<entry key=\"password\">CANARY</entry>",
    "<sv:property sv:name=\"transportPassword\" name=\"transportPassword\"><sv:value>CANARY</sv:value></sv:property>",
    "<input type=\"password\" name=\"x\" value=\"CANARY\">",
    "<input value=\"CANARY\" name=\"./client_secret\">",
    "<textarea name=\"client_secret\">CANARY</textarea>",
    "<meta name=\"csrf-token\" content=\"CANARY\">",
    "<tr><td>Client Secret</td><td>CANARY</td></tr>",
    "<dl><dt>Access token:</dt><dd>CANARY</dd></dl>",
    "<script>var token = \"CANARY\";</script>",
    "<div data-config=\"{&quot;clientSecret&quot;:&quot;CANARY&quot;}\"></div>",
    "<p>client_secret=CANARY</p>",
    "--b\r\nContent-Disposition: form-data; name=\"client_secret\"\r\n\r\nCANARY\r\n--b--",
    "http://admin:CANARY@localhost:4502/a",
    "http//admin:CANARY@localhost:4502",
    "admin:CANARY@author.example.com:4502",
    "-----BEGIN RSA PRIVATE KEY-----\nCANARY\n-----END RSA PRIVATE KEY-----",
    "mot de passe : CANARY",
    "Mot de passe: CANARY",
    "contraseña: CANARY",
    "CONTRASEÑA=CANARY",
    "senha: CANARY",
    "wachtwoord: CANARY",
    "Lösenord: CANARY",
    "hasło: CANARY",
    "heslo=CANARY",
    "Şifre: CANARY",
    "Пароль: CANARY",
    "パスワード: CANARY",
    "密码：CANARY",
    "비밀번호: CANARY",
    "Client-Geheimnis: CANARY",
    "{\"Contraseña\":\"CANARY\"}",
    "<tr><td>Mot de passe</td><td>CANARY</td></tr>",
    "das Passwort ist CANARY",
    "das Passwort lautet: CANARY",
    "Passwort für den Proxy ist CANARY",
    "the password for the user is CANARY",
    "le mot de passe est CANARY",
    "password(CANARY)",
    "password: |\n  CANARY\nuser: a",
    "  - password: >-\n      CANARY\n",
    "password:\n  CANARY\nuser: a",
    "curl -u admin:CANARY http://x/",
    "curl -s --user 'admin:CANARY' http://x/",
    "Authentication-Info: nextnonce=\"CANARY\", rspauth=\"CANARY\"",
    "X-CSRF: CANARY",
    "Sec-Session: CANARY",
    "X-Amzn-Oidc-Data: CANARY",
    "Remote-User-Ticket: CANARY",
    "{\"protocolHTTPHeaders\":[\"Action: {action}\",\"X-Gateway-Key: CANARY\"]}",
    "{\"sling:key\":\"CANARY\"}",
    "{\"apiKeyEncrypted\":\"CANARY\"}",
    "2026-11-29 13:07:59 - &gt;&gt; X-Auth-Tok<br>\n2026-11-29 13:07:59 - &gt;&gt; en: CANARY<br>",
    "2026-11-29 13:07:59 - >> Authorization:\n2026-11-29 13:07:59 - >> Bearer CANARY",
];

/// Secrets that no shape gives away.
const CANARIES: [&str; 3] = ["cnry-7f3kQ9", "Sommer2025!", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"];

#[test]
fn secrets_of_others_are_masked_in_every_position() {
    let mut left = Vec::new();
    for canary in CANARIES {
        for position in POSITIONS {
            let text = position.replace("CANARY", canary);
            let masked = foreign(&text);
            if masked.contains(canary) || !masked.contains(MASK) {
                left.push(format!("{text}\n  -> {masked}"));
            }
        }
    }
    assert!(left.is_empty(), "{} positions show it:\n{}", left.len(), left.join("\n"));
}

#[test]
fn what_is_found_once_is_masked_in_every_form_elsewhere() {
    let mut left = Vec::new();
    for (number, position) in POSITIONS.iter().enumerate() {
        // In a sentence `&` ends it, and what stands before must look drawn.
        let canary = format!("cnryQ7f3k/{number:02}&Q9");
        let redactor = Redactor::default();
        let inserted = if position.contains("\\\"") || position.contains("&quot;") || position.contains('%') {
            continue;
        } else if position.starts_with('{') || position.starts_with('[') || !position.contains(['&', ';', '/']) {
            canary.clone()
        } else {
            continue;
        };
        redactor.learn_from(&position.replace("CANARY", &inserted));
        for form in every_form(&canary) {
            let masked = redactor.redact(&form);
            if !masked.contains(MASK) {
                left.push(format!("{position}: {form}"));
            }
        }
    }
    assert!(left.is_empty(), "{} forms show it:\n{}", left.len(), left.join("\n"));
}

#[test]
fn what_people_need_to_read_stays() {
    for text in [
        r#"{"tokenProvider":"com.adobe.granite.auth.oauth.provider~1","keyId":"abc123def456","scope":"openid,AdobeID"}"#,
        r#"{"jcr:title":"Replication Agent","transportUri":"https://bpdoc.example/bin/receive","serializationType":"durbo"}"#,
        r#"{"name":"org.apache.sling.auth.core","state":"Active","symbolicName":"com.adobe.granite.oauth.token","version":"1.2"}"#,
        "GET http://localhost:4502/etc/replication/agents.author/mp_replication_agent1_default_bpdoc.test.html answered 401: the \
        credentials were not accepted",
        "IMS refuses the credential with 400: invalid_client, invalid client_secret parameter",
        "the client secret in /apps/system/config/x is not stored encrypted",
        "not sent: what undoes author.node-write holds a secret, which no journal may hold",
        "no password of the Author's user was given: set BPCONFORM_AUTHOR_PASSWORD",
        "author_password_command = pass show aem",
        "curl -u \"$BPCONFORM_AUTHOR_USER:$BPCONFORM_AUTHOR_PASSWORD\" http://localhost:4502/",
        "{\"line\":\"curl -s -u \\\"$BPCONFORM_AUTHOR_USER:${BPCONFORM_AUTHOR_PASSWORD}\\\" http://localhost:4502/\"}",
        "<code>curl -u &quot;$BPCONFORM_AUTHOR_USER:$BPCONFORM_AUTHOR_PASSWORD&quot; http://localhost:4502/</code>",
        "token: invalid token type, it is neither",
        "authType=oauth&cloudServiceName=mediaportal&title=Brand Portal",
        "http://localhost:4502/content/dam/x@TypeHint",
        "./jcr:content/transportUri@TypeHint=String",
        "1234@AdobeOrg",
        "Certificate SHA-256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "mailto:admin@example.com",
        "key=value and monkey=banana",
        "password = (not set)",
        "<label>Password</label><input type=\"password\" name=\"j_password\" value=\"\">",
        "Client-Geheimnis im Feld unten eintragen, das Passwort ist falsch",
        "the password policy is p1-strict and the token provider is com.adobe.x1",
        "Server-Timing: cdn-cache;desc=HIT, edge;dur=1",
        "X-Cache-Key: /content/dam/we-retail2",
        "cela se passe: bien",
        "/content/dam/{action}/{path} $1 $2$3 AIzawa hvs.",
        "java.lang.IllegalStateException: at com.adobe.granite.crypto.internal.CryptoSupport.token(CryptoSupport.java:12)",
    ] {
        assert_eq!(own(text), text);
    }
    let encrypted = format!(r#"{{"auth.ims.client.secret":"{{{}}}"}}"#, "0a".repeat(40));
    assert_eq!(foreign(&encrypted), r#"{"auth.ims.client.secret":"{encrypted}"}"#);
}

#[test]
fn weak_secrets_are_masked_only_where_they_are_the_secret() {
    for weak in [
        "admin",
        "status",
        "name",
        "true",
        "http",
        "passed",
        "change",
        "a",
        "author",
        "failed",
        "replication",
        "observe",
    ] {
        let redactor = Redactor::default();
        redactor.learn(weak);
        assert!(is_public(weak), "{weak}");
        let text = format!("{weak} http://localhost/{weak}/name?status={weak} passed");
        assert_eq!(redactor.redact(&text), text);
        let masked = redactor
            .redact_foreign(&format!("a=1&client_secret={weak}&b=2 {{\"transportPassword\":\"{weak}\"}}"))
            .into_owned();
        assert_eq!(masked, format!("a=1&client_secret={MASK}&b=2 {{\"transportPassword\":\"{MASK}\"}}"));
    }
    assert!(!is_public("sunshine") && !is_public("p8e-canary") && !is_public("hunter2"));
}

#[test]
fn a_name_in_a_sentence_is_no_secret_elsewhere() {
    let agent = "mp_replication_agent1_default_bpdoc";
    for sentence in [
        format!("12:00:01 *ERROR* the token \"{agent}\" is not refreshed"),
        format!("12:00:01 *ERROR* the token {agent} is not refreshed"),
        format!("12:00:01 *ERROR* AccessToken({agent}) is not refreshed"),
        format!("Set-Cookie: SERVERID=aem-author-1; last={agent}"),
    ] {
        let redactor = Redactor::default();
        redactor.learn_from(&sentence);
        let path = format!("http://aem-author-1:4502/etc/replication/agents.author/{agent}");
        assert_eq!(redactor.redact(&path), path, "{sentence}");
    }
}

#[test]
fn a_word_of_the_target_is_masked_only_where_it_is_the_secret() {
    let redactor = Redactor::default();
    redactor.add_word("acmecorp");
    assert_eq!(redactor.redact_foreign("{\"password\":\"AcmeCorp\"}"), format!("{{\"password\":\"{MASK}\"}}"));
    let text = "https://acmecorp.example/mediaportal";
    assert_eq!(redactor.redact(text), text);
}

#[test]
fn a_secret_that_begins_like_a_path_is_one_elsewhere_too() {
    for secret in ["/9cnryQ7f3kZ9pLabc+def", "cnry://Q7f3kZ9pL"] {
        let redactor = Redactor::default();
        redactor.learn_from(&format!("{{\"secretKey\":\"{secret}\"}}"));
        assert_eq!(redactor.redact(&format!("it is {secret} here")), format!("it is {MASK} here"));
    }
    for path in ["/etc/key/a1B2c3D4e5F6", "/content", "https://host.example/a1B2c3D4"] {
        let redactor = Redactor::default();
        redactor.learn_from(&format!("{{\"secretKey\":\"{path}\"}}"));
        assert_eq!(redactor.redact(path), path);
    }
}

#[test]
fn markup_is_judged_by_elements_and_in_any_case() {
    for text in [
        r#"<clientSecret value="CANARY"/>"#,
        r#"<password value="CANARY"/>"#,
        r#"<item Key="clientSecret" Val="CANARY"/>"#,
        r#"<Property Name="Password">CANARY</Property>"#,
    ] {
        assert_eq!(foreign(&text.replace("CANARY", "cnryQ7f3kZ9pL")), text.replace("CANARY", MASK));
    }
}

#[test]
fn a_name_in_another_element_marks_the_value_behind_it() {
    for text in [
        "<ul><li>password: <b>CANARY</b></li></ul>",
        "<b>Password:</b> CANARY",
        "<B>Password</B> = <TT>CANARY</TT>",
        "<td>proxy.password</td><td><code>CANARY</code></td>",
        "<TR><TD><B>Password</B></TD><TD>CANARY</TD></TR>",
        "<p>the password of the proxy is set to the secret: <code>CANARY</code></p>",
        "<div>Client Secret</div><div>CANARY</div>",
        "<name>smtp.password</name><value>CANARY</value>",
        "<key>password</key><string>CANARY</string>",
        "<span>Mot de passe :</span> <span>CANARY</span>",
        "<label>Password</label><textarea>CANARY</textarea>",
        "<table><tr><th>User</th><th>Password</th></tr><tr><td>x</td><td><i>CANARY</i></td></tr></table>",
        "<table><tr><th colspan=2>User</th><th><span>Password</span></th></tr><tr><td>x<td>y<td>CANARY</table>",
        "<table><tr><td>User</td><td>Password</td></tr><tr><td>x</td><td>CANARY</td></tr></table>",
    ] {
        for value in ["cnryQ7f3kZ9pL", "Sommer2025!"] {
            let text = text.replace("CANARY", value);
            assert_eq!(foreign(&text), text.replace(value, MASK));
        }
    }
    // Of a weak one only the place where it stands is masked.
    for text in ["<li>password: <b>admin</b> admin</li>", "<td>password</td><td>admin</td><td>admin</td>"] {
        assert_eq!(foreign(text), text.replacen("admin", MASK, 1));
    }
}

#[test]
fn a_page_that_speaks_of_secrets_stays_readable() {
    for text in [
        "<tr><th>Password</th><th>Description</th></tr><tr><td></td><td>of the proxy</td></tr>",
        "<p>Forgot your password? <a href=\"/help\">Help is here</a></p>",
        "<b>Password</b> rules apply",
        "<label>Password</label><label>Remember me</label>",
        "<li>Reset password: <a>click here</a></li>",
        "<h2>Access Token</h2><p>The token is asked of IMS</p>",
        "<table><tr><td>password</td><td></td></tr><tr><td>user</td><td>admin</td></tr></table>",
    ] {
        assert_eq!(foreign(text), text);
    }
}

/// What is masked of a text, and whether anything in it is masked elsewhere too.
fn masked_and_learned(text: &str, words: &[&str]) -> (String, Vec<String>) {
    let redactor = Redactor::default();
    let masked = redactor.redact_foreign(text).into_owned();
    let learned = words.iter().filter(|word| redactor.redact_learned(word).contains(MASK));
    (masked, learned.map(|word| (*word).to_owned()).collect())
}

#[test]
fn names_and_captions_beside_secrets_are_not_masked_elsewhere() {
    for (text, word) in [
        (r#"{"credentials":["Brand Portal"]}"#, "Brand Portal"),
        (r#"{"credentials":["Brand Portal Six","x"]}"#, "Brand Portal Six"),
        ("<credentials><title>Brand Portal Five</title></credentials>", "Brand Portal Five"),
        (
            "<table><tr><th>Agent</th><th>Credential</th></tr><tr><td>a</td><td>Adobe IO Console</td></tr></table>",
            "Adobe IO Console",
        ),
        (r#"{"Access Token":"Zugriffstoken"}"#, "Zugriffstoken"),
        ("Unable to obtain access token: mp_replication_agent9_default_acme", "mp_replication_agent9_default_acme"),
        ("com.adobe.Y token=mp_replication_agent10_default_acme expired", "mp_replication_agent10_default_acme"),
        ("no token: aem-author13.customer.example unreachable", "aem-author13.customer.example"),
        ("Health check PASS: ReplicationAgentsHealthCheck", "ReplicationAgentsHealthCheck"),
        ("PASS: ReplicationAgentsHealthCheck", "ReplicationAgentsHealthCheck"),
        ("certificate signature=SHA256withRSA ok", "SHA256withRSA"),
        ("the credentials=anonymous are in use", "anonymous"),
        ("X-Vhost-Key: publish-farm", "publish-farm"),
        ("X-Session: active-node-1", "active-node-1"),
        ("<td>Access Token</td><td>mp_replication_agent9_default_acme</td>", "mp_replication_agent9_default_acme"),
    ] {
        let (masked, learned) = masked_and_learned(text, &[word]);
        assert!(learned.is_empty(), "{text} -> {masked}: {learned:?}");
    }
    for (name, value) in
        [("X-Vhost-Key", "publish-farm"), ("X-Session", "active-node-1"), ("X-Request-Auth", "anonymous-user")]
    {
        let redactor = Redactor::default();
        assert_eq!(redactor.redact_value(name, value), MASK);
        assert_eq!(redactor.redact_learned(value), value);
    }
}

#[test]
fn what_a_person_chose_is_masked_elsewhere_too() {
    for position in [
        r#"{"transportPassword":"CANARY"}"#,
        r#"{"passwords":["CANARY"]}"#,
        "<password>CANARY</password>",
        "<property name=\"smtp.password\"><value>CANARY</value></property>",
        "<input name=\"client_secret\" value=\"CANARY\">",
        "<tr><td>Client Secret</td><td>CANARY</td></tr>",
        "12:00:01 *INFO* the password: CANARY",
        "smtp.password=CANARY",
        "X-Auth-Token: CANARY",
        "a=b&client_secret=CANARY&c=d",
    ] {
        let text = position.replace("CANARY", "Sommer2025!");
        assert_eq!(
            masked_and_learned(&text, &["Sommer2025!"]),
            (text.replace("Sommer2025!", MASK), vec!["Sommer2025!".into()])
        );
    }
    for position in [r#"{"client_secret":"CANARY"}"#, "<password>CANARY</password>", "client_secret=CANARY&a=b"] {
        let (_, learned) = masked_and_learned(&position.replace("CANARY", "open-sesame"), &["open-sesame"]);
        assert_eq!(learned, ["open-sesame"], "{position}");
    }
}

#[test]
fn what_only_hints_at_a_secret_keeps_names() {
    for text in [
        r#"{"error":{"code":"InvalidAuthenticationToken","message":"x"}}"#,
        "<Error><Code>SignatureDoesNotMatch</Code></Error>",
        "<table><tr><th>Key</th><th>Value</th></tr><tr><td>replicationAgentUserId</td><td>durbo</td></tr></table>",
        r#"{"key":"replicationAgentTitle","value":"x"}"#,
        "error code=ERR_CONNECTION_REFUSED38",
        r#"{"auth":"AdobeImsOAuthHandler31"}"#,
        "<h2 id=\"access-token\">Access Token Two</h2><p>x</p>",
        "<div id=\"cookie-banner\">We use cookies here</div>",
        "<section id=\"token-management\"><h1>Brand Portal Three</h1><p>host h3.customer.example</p></section>",
        "<a id=\"forgotPassword\" href=\"/x\">Forgot password?</a>",
        "<button id=\"generateToken\">Generate access token</button>",
        "<select name=\"authToken\"><option value=\"x\">Token based</option></select>",
    ] {
        assert_eq!(foreign(text), text);
    }
    let token = "<div id=\"session-token\">Zk3pQ9xLm2Vt7RbY</div>";
    assert_eq!(foreign(token), token.replace("Zk3pQ9xLm2Vt7RbY", MASK));
    let input = "<div id=\"login-token\"><input type=\"password\" value=\"Sommer2025!\"></div>";
    assert_eq!(foreign(input), input.replace("Sommer2025!", MASK));
}

#[test]
fn a_table_of_properties_has_no_heads() {
    let text = "<table><tr><td>Auth type</td><td>Access Token</td></tr><tr><td>Name</td><td>Brand Portal</td></tr>\
                <tr><td>State</td><td>enabled</td></tr></table>";
    assert_eq!(foreign(text), text);
    let text = "<table><tr><th>Password</th><td>****</td></tr><tr><td>Host twentyfive</td><td>y</td></tr></table>";
    assert_eq!(foreign(text), text);
    let text = "<table><tr><th>Password</th><td>CANARY</td></tr><tr><th>Host</th><td>y</td></tr></table>";
    assert_eq!(foreign(&text.replace("CANARY", "Sommer2025!")), text.replace("CANARY", MASK));
    for text in [
        "<table><tr><td>Password</td><td>User</td></tr><tr><td>CANARY</td><td>x</td></tr></table>",
        "<table><tr><td>User</td><td>Password</td></tr><tr><td>x</td><td>CANARY</td></tr></table>",
        "<table><tr><td>User<td>Password<tr><td>x<td>CANARY</table>",
    ] {
        for value in ["Sommer2025!", "open sesame"] {
            assert_eq!(foreign(&text.replace("CANARY", value)), text.replace("CANARY", MASK));
        }
    }
}

#[test]
fn a_key_ends_where_no_key_goes_on() {
    let lines = "30.11.2026 08:00:02.000 *INFO* [x] com.adobe.Y the replication queue is idle\n\
                 mp_replication_agent1_default_bpdoc\nthe agent of acmecorp is reached\nReplicationAgentsHealthCheck";
    for first in ["expected -----BEGIN PRIVATE KEY----- but found nothing", "no -----BEGIN RSA PRIVATE KEY-----"] {
        let text = format!("{first}\n{lines}");
        assert_eq!(masked_and_learned(&text, &lines.split('\n').collect::<Vec<_>>()), (text.clone(), Vec::new()));
    }
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    for (text, masked) in [
        (format!("-----BEGIN PRIVATE KEY-----\n{line}\n{line}\n"), "-----BEGIN PRIVATE KEY-----[secret]\n"),
        (
            format!("{{\"a\":\"-----BEGIN PRIVATE KEY-----\\n{line}\\nMIIEvQIBADANBgkqhkiG9w0B\"}}"),
            "{\"a\":\"-----BEGIN PRIVATE KEY-----[secret]\"}",
        ),
        (
            "cannot parse -----BEGIN RSA PRIVATE KEY-----MIIEvQIBADANBg... (truncated)".to_owned(),
            "cannot parse -----BEGIN RSA PRIVATE KEY-----[secret]... (truncated)",
        ),
        (
            format!("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES,0A1B\n\n{line}\nand words"),
            "-----BEGIN RSA PRIVATE KEY-----[secret]\nand words",
        ),
    ] {
        let redactor = Redactor::default();
        assert_eq!(redactor.redact_foreign(&text), masked);
        assert!(!text.contains(line) || redactor.redact_learned(line).contains(MASK), "{text}");
    }
}

#[test]
fn a_secret_within_a_long_text_behind_a_hint_is_masked() {
    let words = "some words of a page, ".repeat(200);
    for (start, end) in [("{\"key\":\"", "\"}"), ("key: ", ""), ("{\"keys\":[\"a\",\"", "\"]}"), ("code='", "'")] {
        let text = format!("{start}{words} password=cnryQ7f3kZ9pL and {words}{end}");
        assert_eq!(foreign(&text), text.replace("cnryQ7f3kZ9pL", MASK));
    }
}

/// Each text took minutes or gigabytes when every hit began a search of the whole rest.
#[test]
fn long_texts_full_of_what_may_begin_a_secret_are_masked_in_time() {
    let size = 256 * 1024;
    let numbered = |of: fn(usize) -> String| (0..size / 16).map(of).collect::<Vec<_>>();
    let mut texts: Vec<String> = [
        "@",
        "a:b@c.d ",
        "a@",
        "$1$",
        "eyJ",
        "eyJ.",
        "p8e-",
        "ghp_",
        "pin=[a,",
        "pin=[a ",
        "-----BEGIN PRIVATE KEY-----\n",
        "Pj4+",
        "pin(",
        "token ",
        "token:",
        "token: ",
        "token=",
        "token [",
        "key=",
        "> key=a ",
        "key=[a,",
        "digest ",
        "curl -u \"",
        "{sha",
        "form-data; name=\"token\"",
    ]
    .iter()
    .map(|unit| unit.repeat(size / unit.len()))
    .collect();
    texts.push(numbered(|number| format!("password=a{}", number % 50)).join("&"));
    texts.push(format!("{{{}}}", numbered(|number| format!("\"token\":\"{}\"", number % 50)).join(",")));
    for text in texts {
        let started = std::time::Instant::now();
        let redactor = Redactor::default();
        let _ = (redactor.redact_foreign(&text), redactor.redact(&text));
        let took = started.elapsed();
        assert!(took.as_secs() < 30, "{}: {took:?}", &text[..20]);
    }
}

#[test]
fn an_encoded_structure_is_found_behind_a_path_and_in_other_encodings() {
    for value in ["cnryQ7f3kZ9pL", "Sommer2025!"] {
        let json = format!("{{\"user\":\"admin\",\"password\":\"{value}\"}}");
        let utf16 = json.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let big = json.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        for encoded in [
            STANDARD.encode(&json),
            URL_SAFE_NO_PAD.encode(&json),
            STANDARD.encode(&utf16),
            STANDARD.encode(&big),
            hex(json.as_bytes(), ""),
            hex(json.as_bytes(), "").to_uppercase(),
            hex(&utf16, ""),
        ] {
            for before in ["", "data: ", "GET /x/", "/content/dam/aFolder/", "backup_of_", "state-"] {
                let masked = foreign(&format!("{before}{encoded} is kept"));
                assert!(!masked.contains(&encoded[8..24]), "{masked}");
                assert!(masked.starts_with(before) && masked.ends_with("is kept"), "{masked}");
            }
        }
    }
    for text in [
        "/libs/cq/gui/components/authoring/dialog/PageEditor/clientLibs and /etc/replication/agents.author",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ] {
        assert_eq!(foreign(text), text);
    }
}

#[test]
fn colours_hide_no_secret() {
    let text = "\u{1b}[32mpassword\u{1b}[0m=\u{1b}[31mcnryQ7f3kZ9pL\u{1b}[0m x";
    assert!(!foreign(text).contains("cnryQ7f3kZ9pL"), "{}", foreign(text));
    let redactor = Redactor::default();
    redactor.learn("Sommer2025");
    assert_eq!(redactor.redact_learned("\u{1b}[31mSommer2025\u{1b}[0m"), format!("\u{1b}[31m{MASK}"));
}

#[test]
fn the_reason_of_a_failure_stays() {
    for reason in [
        "Failed to retrieve access token: invalid_client",
        "Could not obtain access token: 400 Bad Request",
        "OAuth token: expired",
        "bad credentials: not accepted",
        "Error while getting token: com.adobe.granite.auth.oauth.AccessTokenException: invalid_scope",
        "obtaining the access token org.apache.http.conn.HttpHostConnectException: Connect failed",
        "PASS: 12 of 13 checks",
        "{\"tokens\":0}",
    ] {
        let text = format!("12:00:01 *ERROR* [x] com.adobe.Y {reason}");
        assert_eq!(foreign(&text), text);
    }
    for secret in ["password: admin", "password: invalid by design", "token: a1b2c3d4", "pin: 123"] {
        assert!(foreign(&format!("12:00:01 *ERROR* {secret}")).contains(MASK), "{secret}");
    }
}

#[test]
fn what_is_masked_stays_as_it_is() {
    for position in POSITIONS {
        let redactor = Redactor::default();
        let masked = redactor.redact_foreign(&position.replace("CANARY", "cnry-7f3kQ9")).into_owned();
        assert_eq!(redactor.redact_foreign(&masked), masked);
        assert_eq!(redactor.redact(&masked), masked);
    }
}

#[test]
fn a_pair_in_json_within_json_is_found() {
    let inner =
        serde_json::json!({"credentials": [{"name": "client_secret", "value": "cnry/7f+3k\"Q&9ü"}]}).to_string();
    let masked = foreign(&serde_json::json!({"a": {"note": inner}}).to_string());
    assert!(!masked.contains("cnry") && masked.contains("client_secret"), "{masked}");
}

#[test]
fn what_stands_beside_a_secret_stays() {
    let secret = "cnry/7f+3k\"Q&9ü";
    let text = serde_json::json!({
        "transportPassword": secret, "proxyPassword": [secret, "another-1"], "jcr:title": "Replication Agent",
        "note": serde_json::json!({"credentials": [{"name": "client_secret", "value": secret}], "title": "A"}).to_string(),
        "credentials": {"a": secret, "jcr:title": "Agent"},
        "sling:resourceType": "cq/replication/components/agent", "agent": {"jcr:primaryType": "cq:Page", "title": "A title"},
    });
    let redactor = Redactor::default();
    let masked = redactor.redact_foreign(&text.to_string()).into_owned();
    assert!(!masked.contains("cnry"), "{masked}");
    let masked: serde_json::Value = serde_json::from_str(&masked).expect("JSON");
    for name in ["jcr:title", "sling:resourceType", "agent"] {
        assert_eq!(masked[name], text[name], "{masked}");
    }
    let other = "jcr:primaryType cq:Page \"title\":\"A title\" Replication Agent cq/replication/components/agent";
    assert_eq!(redactor.redact(other), other);
}

#[test]
fn a_text_shows_a_secret_in_any_form_and_a_word_only_where_it_is_one() {
    for text in ["x cnry&amp;7f3k y", "x Y25yeSY3ZjNr y", "cnry%267f3k"] {
        assert!(shows(text, "cnry&7f3k"), "{text}");
    }
    assert!(!shows("admin <p>admin</p> {\"user\":\"admin\"}", "admin"));
    assert!(shows("{\"auth.ims.client.secret\":\"admin\"}", "admin"));
    assert!(shows("<input name=\"client_secret\" value=\"admin\">", "admin"));
}

#[test]
fn a_short_secret_is_masked_as_a_word_and_not_within_one() {
    let redactor = Redactor::default();
    redactor.learn("sunshine");
    let text = "user=x&a=sunshine /sunshines/asunshine \"sunshine\" a%3dsunshine";
    let masked = format!("user=x&a={MASK} /sunshines/asunshine \"{MASK}\" a%3d{MASK}");
    assert_eq!(redactor.redact(text), masked);
}

#[test]
fn secrets_that_overlap_or_touch_leave_nothing_behind() {
    let redactor = Redactor::default();
    ["abcdefghij-1", "ij-1klmnop-2", "abcdefgh"].iter().for_each(|secret| redactor.learn(secret));
    assert_eq!(redactor.redact("1 abcdefghij-1klmnop-2 2"), format!("1 {MASK} 2"));
    assert_eq!(redactor.redact("ä abcdefgh ü"), format!("ä {MASK} ü"));
}

#[test]
fn a_secret_in_escapes_is_found_where_it_is_cut() {
    let redactor = Redactor::default();
    let secret = "p8x&canary+of/tests=\"ü\"";
    redactor.learn(secret);
    let percent = |all: bool| {
        let escaped = |byte: u8| {
            if all || !byte.is_ascii_alphanumeric() { format!("%{byte:02x}") } else { char::from(byte).to_string() }
        };
        secret.bytes().map(escaped).collect::<String>()
    };
    let html = secret.replace('&', "&#x26;").replace('"', "&#34;").replace('/', "&#x2f;").replace('=', "&#61;");
    let json = secret.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect::<String>();
    for form in [percent(true), percent(false), percent(false).replace('%', "%25"), html, json] {
        for end in (form.len() / 2..form.len()).filter(|end| form.is_char_boundary(*end)) {
            let text = format!("a page: {}", &form[..end]);
            assert_eq!(redactor.redact_cut(&text), format!("a page: {MASK}"), "{text}");
        }
    }
    assert_eq!(redactor.redact_cut("100 % and &am"), "100 % and &am");
}

#[test]
fn one_of_thousands_of_secrets_is_found() {
    let redactor = Redactor::default();
    (0..5000).for_each(|n| redactor.learn(&format!("a token that differs at its end {n:08}")));
    let text = "what an Author says ".repeat(20_000) + "a token that differs at its end 00004321";
    assert!(redactor.redact(&text).ends_with(&format!("says {MASK}")));
}

#[test]
fn a_text_that_is_cut_does_not_end_with_the_beginning_of_a_secret() {
    let redactor = Redactor::default();
    redactor.learn("p8x-canary-of-tests");
    assert_eq!(redactor.redact_cut("the body begins: p8x-canary-o"), format!("the body begins: {MASK}"));
    assert_eq!(redactor.redact_cut("the body begins: p8"), "the body begins: p8");
    let encoded = &STANDARD.encode("p8x-canary-of-tests")[..12];
    assert_eq!(redactor.redact_cut(&format!("user {encoded}")), format!("user {MASK}"));
    for text in ["it begins: p8x-can…; try again", "p8x-can…"] {
        let masked = redactor.redact(text).into_owned();
        assert_eq!(masked, text.replace("p8x-can", MASK));
        assert_eq!(redactor.redact_learned(text), masked);
    }
    redactor.learn("administrator-of-tests");
    assert_eq!(redactor.redact("the user admin…"), "the user admin…");
}

#[test]
fn what_is_known_to_be_open_stays() {
    let redactor = Redactor::default();
    redactor.keep_readable("0f1e2d3c4b5a69788796a5b4c3d2e1f0");
    let text = r#"{"apiKey":"0f1e2d3c4b5a69788796a5b4c3d2e1f0"}"#;
    assert_eq!(redactor.redact_foreign(text), text);
}

#[test]
fn the_operator_adds_names() {
    let redactor = Redactor::default();
    redactor.add_names(vec![
        Regex::new("(?i)^x-acme-.*").expect("a pattern"),
        Regex::new("gatekeeper").expect("a pattern"),
    ]);
    for text in ["X-Acme-Door: open-sesame1", r#"{"x-acme-door":"open-sesame1"}"#, "a=b&gatekeeper=open-sesame1"] {
        assert!(!redactor.redact_foreign(text).contains("sesame"), "{text}");
    }
    assert_eq!(redactor.redact_value("x-acme-door", "open"), MASK);
}

#[test]
fn masked_json_is_json() {
    for text in [r#"{"pin":12345,"a":[1,{"token":-1.5e3}]}"#, r#"{"token":"a\"b\\","b":"{\"token\":\"x\"}"}"#] {
        let masked = foreign(text);
        assert!(serde_json::from_str::<serde_json::Value>(&masked).is_ok(), "{masked}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Whatever a secret is: once it was seen in a property, no form of it is left.
    #[test]
    fn any_secret_is_masked_in_every_form(secret in "[A-Za-z0-9!#$%&()*+,./:;<=>?@^_`|~äöüß \"'\\\\-]{8,40}") {
        let secret = format!("q{}7", secret.trim());
        let redactor = Redactor::default();
        redactor.learn_from(&serde_json::json!({"transportPassword": secret}).to_string());
        for form in every_form(&secret) {
            let masked = redactor.redact(&form);
            prop_assert!(masked.contains(MASK), "{form}: {masked}");
        }
    }

    /// Any text is masked without a panic, and stays as it is where nothing in it is secret.
    #[test]
    fn any_text_is_masked(text in "(\\PC|[\n\r\t\u{0}]|token|password|secret=|\"|:|=|<|>|\\{|\\[|%26|\\\\u0026|&amp;|eyJ|@|//){0,60}") {
        let _ = (foreign(&text), own(&text));
    }

    #[test]
    fn words_and_numbers_stay(text in "[a-z]{1,9}( [a-z]{1,5}| [0-9]{1,6}){0,12}") {
        let names = bpconform_fixtures::SecretNames::built_in();
        prop_assume!(!text.split(' ').any(|word| names.classify(word) > bpconform_fixtures::Sensitivity::Public));
        prop_assert_eq!(own(&text), text);
    }
}

#[test]
fn a_list_of_objects_below_the_name_of_a_secret_stays_json() {
    for text in [
        r#"{"credentials":[{"id":"2","clientId":"mock0000000218ec42ca","type":"oauth"}]}"#,
        r#"{"tokens":[["a","b"]]}"#,
        r#"{"credentials": [ {"name":"client_secret","value":"Zk3pQ9xLm2Vt7RbY"} ]} and garbage"#,
    ] {
        let masked = foreign(text);
        assert!(!masked.contains("[[secret]\"") && !masked.contains("Zk3pQ9xLm2Vt7RbY"), "{masked}");
        assert!(masked.starts_with(&text[..text.find('[').expect("a list")]), "{masked}");
    }
    let once = foreign(r#"{"credentials":[{"id":"2","productProfile":"x","secret":"Zk3pQ9xLm2Vt7RbY"}]}"#);
    assert_eq!(foreign(&once), once, "masked again it stays as it is");
}

/// Lines as an agent's transcript writes them, plain and as a page.
fn transcripts(lines: &[&str]) -> Vec<String> {
    let with = |prefix: &str, end: &str| lines.iter().map(|line| format!("{prefix}{line}{end}")).collect::<String>();
    let page = html_escape::encode_text(&with("2026-11-29 13:07:59 - ", "\n")).replace('\n', "<br>\n");
    vec![
        with("2026-11-29 13:07:59 - ", "\n"),
        with("29.11.2026 13:07:59.123 *DEBUG* [pool-1] org.apache.http.wire http-outgoing-3 ", "\r\n"),
        with("11/29/2026, 1:07:59 PM - INFO - ", "\n"),
        with("", "\n"),
        serde_json::json!({"log": page}).to_string(),
        page,
    ]
}

#[test]
fn secrets_that_are_split_over_records_of_the_wire_are_masked() {
    let token =
        "eyJhbGciOiJSUzI1NiIsIng1dSI6Imltc19uYTEta2V5LTEuY2VyIn0.eyJpZCI6IjE3Canary1111Canary2222.c2lnbmF0dXJlQ2FuYXJ5";
    let (begin, end) = token.split_at(70);
    let header = format!(">> Authorization: Bearer {begin}");
    for lines in [
        [header.as_str(), &format!(">> {end}")],
        [">> client_secret=CanaryAAAA1111", ">> CanaryBBBB2222&grant_type=x"],
        [">> Cookie: login-token=CanaryAAAA1111", ">> CanaryBBBB2222; a=b"],
        [">> X-Auth-Tok", ">> en: CanaryCCCC3333zz"],
        [&format!("<< {{\"access_token\":\"{begin}"), &format!("<< {end}\",\"token_type\":\"bearer\"}}")],
    ] {
        for text in transcripts(&lines) {
            let redactor = Redactor::default();
            let masked = redactor.redact_foreign(&text);
            assert!(!masked.contains("Canary") && !masked.contains("Q2FuYXJ5") && masked.contains(MASK), "{masked}");
            assert!(
                masked.contains("http") == text.contains("http") && masked.contains("59 ") == text.contains("59 "),
                "{masked}"
            );
            let alone = redactor.redact_foreign(&lines.join(" and ")).into_owned();
            assert!(!alone.contains("Canary"), "{alone}");
        }
    }
}

#[test]
fn a_known_secret_that_is_split_over_lines_is_masked() {
    for secret in ["p8x-canary-1-of-2-tests", SECRET] {
        let at = secret.char_indices().nth(11).map_or(0, |(at, _)| at);
        let (begin, end) = secret.split_at(at);
        for lines in [
            vec![format!(">> x={begin}"), format!(">> {end}")],
            vec![format!("<< {begin}"), "<< 1f4".into(), format!("<< {end}")],
            vec![format!("a note {begin}"), format!("<< {end}")],
        ] {
            for text in transcripts(&lines.iter().map(String::as_str).collect::<Vec<_>>()) {
                let redactor = Redactor::default();
                redactor.learn(secret);
                let masked = redactor.redact_learned(&text);
                assert!(
                    masked.matches(MASK).count() >= 2 && !masked.contains("canary") && !masked.contains("tests"),
                    "{masked}"
                );
            }
        }
    }
    let redactor = Redactor::default();
    redactor.learn("p8x-canary-1-of-2-tests");
    assert_eq!(redactor.redact_learned("p8x-cana=\r\nry-1-of-2-tests"), format!("{MASK}=\r\n{MASK}"));
}

#[test]
fn records_without_a_secret_stay() {
    let lines = [
        ">> POST /bin/receive HTTP/1.0",
        ">> Action: Test",
        ">> Path: /content/dam/test",
        ">> Authorization: Bearer abc12345xyz",
        ">> Content-Length: 233",
        "<< HTTP/1.1 200 OK",
        "<< Set-Cookie: a=b1c2d3e4",
        "<< Date: Sun, 29 Nov 2026 13:07:59 GMT",
        "<< ",
        "<< ReplicationAction TEST ok",
    ];
    for text in transcripts(&lines) {
        let masked = foreign(&text);
        let expected = text.replace("abc12345xyz", MASK).replace("a=b1c2d3e4", MASK);
        assert_eq!(masked, expected);
    }
}

#[test]
fn tokens_and_hashes_of_other_makers_are_known_by_their_shape() {
    for text in [
        "s8e-CANARY1abcdefgh-abcdefgh",
        "p8e-CANARY1abcdefgh-abcdefgh",
        "{DES}CANARY1abcdef",
        "{AES}CANARY1abcdef",
        "{CRYPT}CANARY1abcdef",
        "{scrypt}CANARY1abcdef",
        "{noop}CANARY1abcdef",
        "$1$abcdefgh$CANARY1abcdefghijklm",
        "$5$rounds=5000$x$CANARY1abcdef",
        "$y$j9T$x$CANARY1abcdefgh",
        "$apr1$x$CANARY1abcdefgh",
        "xoxb-123456789012-CANARY1abcdefgh",
        "AIzaSyACANARY1abcdefghijklmnopqrstuv",
        "ghp_CANARY1abcdefghijklmnopqrstuv",
    ] {
        let masked = foreign(&format!("note {text} end"));
        assert!(!masked.contains("CANARY") && masked.contains(MASK) && masked.ends_with(" end"), "{masked}");
    }
    let encrypted = format!("{{{}}}", "0a".repeat(40));
    assert_eq!(foreign(&format!("value {encrypted}")), "value {encrypted}");
}

#[test]
fn a_plain_sentence_is_masked_like_any_other() {
    let redactor = Redactor::default();
    let secret = "s3cr&t-Wörd/9";
    ["p8Kq2Zr7Wm4xT1vB6nJd", secret, "zXy12!"].iter().for_each(|secret| redactor.learn(secret));
    let base64 = base64::engine::general_purpose::STANDARD.encode(format!("user:{secret}"));
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let texts = [
        "p8Kq2Zr7Wm4xT1vB6nJd",
        "it is zXy12!",
        "zXy12!x",
        "p8Kq2Zr7=\nWm4xT1vB6nJd",
        secret,
        &base64,
        &hex,
        "a plain text",
    ];
    for text in texts {
        for text in [
            text.to_owned(),
            format!("the Author says {text}, and ends"),
            text.replace('&', "&amp;"),
            text.replace('&', "%26"),
        ] {
            assert_eq!(redactor.redact_learned(&text), redactor.mask(&text, Reading::Known), "{text}");
            assert!(text.contains("plain") || redactor.redact_learned(&text) != text, "{text}");
        }
    }
}

/// Each text, in which ¤ is the secret, with a drawn secret and with one that a person chose.
fn shown(texts: &[&str], values: &[&str]) -> Vec<String> {
    let mut left = Vec::new();
    for text in texts {
        for value in values {
            let text = text.replace('¤', value);
            let masked = foreign(&text);
            if masked.contains(value) || !masked.contains(MASK) {
                left.push(format!("{text}\n  -> {masked}"));
            }
        }
    }
    left
}

/// A drawn secret and one that a person chose.
const BOTH: [&str; 2] = ["cnryQ7f3kZ9pL", "Sommer2025!"];

/// The texts that do not stay as they are, or of which something is learned.
fn changed(texts: &[&str]) -> Vec<String> {
    let mut left = Vec::new();
    for text in texts {
        let redactor = Redactor::default();
        let masked = redactor.redact_foreign(text).into_owned();
        let known = redactor.redact_learned(text).into_owned();
        if masked != *text || known != *text {
            left.push(format!("{text}\n  -> {masked}\n  learned: {known}"));
        }
    }
    left
}

fn none(left: &[String]) {
    assert!(left.is_empty(), "{} texts:\n{}", left.len(), left.join("\n"));
}

#[test]
fn a_value_behind_other_words_is_the_names() {
    let texts = [
        "*INFO* [x] com.adobe.X Password for user admin: ¤",
        "*INFO* [x] com.adobe.X Password for proxy: ¤",
        "*INFO* [x] com.adobe.X password of user admin = ¤",
        "*INFO* [x] com.adobe.X password (admin): ¤",
        "*INFO* [x] com.adobe.X Access token for tenant bpdoc: ¤",
        "*INFO* [x] com.adobe.X client secret for mac-bpdoc: ¤ is used",
        "Token de acceso: ¤",
        "Contraseña del proxy: ¤",
        "Contraseña para admin: ¤",
        "Mot de passe du proxy : ¤",
        "Mot de passe SMTP : ¤",
        "Secret du client : ¤",
        "Passwort für Proxy: ¤",
        "Passwort des Benutzers admin: ¤",
        "Passwort des Benutzers admin: '¤'",
        "a\nPassword for smtp.example.com: ¤\nb",
        "токен доступа: ¤",
        "Received passcode for device ABC: ¤",
        "mot de passe « ¤ »",
        "{\"Mot de passe SMTP\":\"¤\"}",
        "{\"Contraseña del proxy\":\"¤\"}",
    ];
    none(&shown(&texts, &BOTH));
    let redactor = Redactor::default();
    redactor.learn_from("Password for user admin: cnryQ7f3kZ9pL, Access token for tenant bpdoc: Sommer2025!");
    assert_eq!(redactor.redact("a cnryQ7f3kZ9pL b Sommer2025!"), format!("a {MASK} b Sommer2025!"));
    none(&changed(&[
        "*INFO* Access token for tenant bpdoc: expires at 12:00",
        "*ERROR* Failed to get the access token for tenant bpdoc: invalid_client",
        "*ERROR* token refresh failed: HTTP500",
        "*ERROR* Could not get token for agent: mp_replication_agent1_default_bpdoc",
        "*INFO* token for tenant bpdoc was renewed, next: 2026-11-30T13:00:01Z",
        "*INFO* token of user admin: /content/dam/a1b2",
        "*INFO* the password policy of the host: Strict12x",
        "*INFO* password for host: ims-na1.adobelogin.com:443",
        "*ERROR* credentials for tenant bpdoc: com.adobe.granite.auth.oauth.provider1",
        "*INFO* token for tenant bpdoc: status=a1b2c3d4",
        "*INFO* token store of host: OAuth2Tokens1",
        "*INFO* Password for user admin was changed. Next step: Reindex42All",
        "Mot de passe oublié ? Aide : voir page12B",
        "*INFO* token for tenant bpdoc: TLSv1.2 is used",
    ]));
}

#[test]
fn verbs_that_set_a_secret_are_followed_by_it() {
    none(&shown(
        &[
            "*INFO* password set to ¤",
            "*INFO* password is set to ¤",
            "*INFO* password for admin changed to ¤",
            "*INFO* password was changed to '¤'",
            "*INFO* Passwort wurde auf ¤ gesetzt",
            "*INFO* Passwort geändert in ¤",
            "*INFO* the new password will be ¤",
            "*INFO* the password has been set: ¤",
        ],
        &BOTH,
    ));
    none(&changed(&[
        "*INFO* password set to default",
        "*INFO* the password will be mailed to user42Anna",
        "*INFO* the token is set to expire at 12:00:01",
        "*INFO* Passwort wurde auf dem Server gesetzt",
        "*INFO* the password was changed to something else",
        "*INFO* the token will be renewed in 3600s",
        "*INFO* password set to com.adobe.granite.x1",
    ]));
}

#[test]
fn names_in_other_languages_have_values() {
    none(&shown(
        &[
            "Zugriffstoken: ¤",
            "Passwörter: ¤",
            "API-Schlüssel: ¤",
            "Zugriffsschlüssel: ¤",
            "Privater Schlüssel: ¤",
            "Zugangsdaten: admin / ¤",
            "Jeton d'accès : ¤",
            "Clé API : ¤",
            "Clé d'accès : ¤",
            "Clé privée : ¤",
            "アクセストークン: ¤",
            "アクセスキー: ¤",
            "秘密鍵: ¤",
            "認証コード: ¤",
            "访问令牌: ¤",
            "액세스 토큰: ¤",
            "токен: ¤",
            "chiave privata: ¤",
            "{\"apitoken\":\"¤\"}",
            "{\"usertoken\":\"¤\"}",
            "{\"sessiontoken\":\"¤\"}",
            "{\"accountkey\":\"¤\"}",
            "{\"tokenId\":\"¤\",\"successUrl\":\"/x\",\"realm\":\"/\"}",
            "SMSESSION=¤",
            "_shibsession_6d61=¤",
            "iPlanetDirectoryPro=¤",
            "<tr><td>Zugriffstoken</td><td>¤</td></tr>",
            "<tr><td>Jeton d'accès</td><td>¤</td></tr>",
            "<tr><td>アクセストークン</td><td>¤</td></tr>",
        ],
        &BOTH,
    ));
    none(&changed(&[
        "Der Zugriffstoken ist abgelaufen",
        "Zugangsdaten wurden nicht angenommen",
        "GET /api/v1/items answered 200",
        "la clé API est invalide",
        "{\"tokentype\":\"Bearer1x\",\"apitokenProvider\":\"com.adobe.x1\"}",
    ]));
}

#[test]
fn signs_between_a_name_and_its_value_may_be_decorated() {
    none(&shown(
        &[
            "password[0]=¤",
            "client.secrets[0] = ¤",
            "password (STRING) = ¤",
            "clientSecret (java.lang.String) = ¤",
            "password{String}: ¤",
            "Password........: ¤",
            "Password ......: ¤",
            "*INFO* Passwort – ¤",
            "*INFO* password - ¤",
            "*INFO* password --> ¤",
            "*INFO* password ==> ¤",
            "user/password: admin / ¤",
            "*INFO* token: <¤>",
            "setPassword(\"¤\")",
            ".password(\"¤\")",
            "new UsernamePasswordCredentials(\"admin\", \"¤\")",
            "new SimpleCredentials(\"admin\", \"¤\".toCharArray())",
            "getPassword() = ¤",
        ],
        &BOTH,
    ));
    let text = "clientSecret (java.lang.String) = cnryQ7f3kZ9pL";
    assert_eq!(foreign(text), format!("clientSecret (java.lang.String) = {MASK}"));
    none(&changed(&[
        "*INFO* password - see the documentation",
        "*INFO* token --> sent to IMS",
        "getPassword(\"smtp.password\") at line 12",
        "token(\"com.adobe.granite.auth.oauth.provider1\")",
        "Passwords... and other things",
        "token: <section1>",
        "if(getToken()==1)getToken()",
    ]));
}

#[test]
fn fields_of_a_text_are_a_name_and_a_value() {
    none(&shown(
        &[
            "Property[name=smtp.password, value=¤]",
            "Param{name='j_password', value='¤'}",
            "NameValuePair(name=client_secret, value=¤)",
            "Cookie [version: 0][name: login-token][value: ¤][domain: x]",
            "env:\n  - name: SMTP_PASSWORD\n    value: ¤\n",
            "- key: clientSecret\n  value: \"¤\"\n",
            "x {name: smtp.password, value: ¤} y",
            "{\"title\":\"Password\",\"value\":\"¤\"}",
            "{\"label\":\"Client Secret\",\"name\":\"x1\",\"value\":\"¤\"}",
            "{\"value\":\"¤\",\"displayName\":\"Password\"}",
            "{\"propertyName\":\"Password\",\"propertyValue\":\"¤\"}",
            "{\"fieldLabel\":\"Password\",\"value\":\"¤\"}",
            "{\"type\":\"password\",\"value\":\"¤\"}",
        ],
        &BOTH,
    ));
    none(&changed(&[
        "Property[name=smtp.host, value=a1b2c3d4E5]",
        "Property[name=password, value=true]",
        "- name: token\n  kind: value\n",
        "{\"title\":\"Password\",\"value\":\"password\"}",
        "{\"label\":\"Credentials\",\"value\":\"basic-auth\",\"text\":\"Enter them\"}",
        "{\"title\":\"Access token\",\"text\":\"It is asked of IMS\"}",
        "{\"type\":\"text\",\"value\":\"cnryQ7f3kZ9pL\"}",
        "{\"label\":\"Password\",\"value\":\"Enter the password\"}",
    ]));
}

#[test]
fn tables_without_markup_have_names_in_their_first_line() {
    none(&shown(
        &[
            "user,password,host\nadmin,¤,h1",
            "user;password;host\nadmin;¤;h1\nb;x;h2",
            "user\tpassword\thost\nadmin\t¤\th1",
            "USER      PASSWORD\nadmin     ¤",
            "| user | password |\n|---|---|\n| admin | ¤ |",
            "| password | ¤ |",
            "| **password** | `¤` |\n",
            "\"user\",\"Client Secret\"\n\"a, b\",\"¤\"",
        ],
        &BOTH,
    ));
    none(&changed(&[
        "Enter user, password\nThen click OK, done1x",
        "user,password policy,host\nadmin,cnryQ7f3kZ9pL,h1",
        "user,password,host\nadmin,,h1",
        "| password | the word of a user |",
        "| name | what it is |\n|---|---|\n| password | a word |",
        "The password, the token and more\nare kept, as cnryQ7f3kZ9pL is",
    ]));
}

#[test]
fn names_in_scripts_without_spaces_have_values() {
    none(&shown(
        &[
            "パスワードは¤です。",
            "新しいパスワードは「¤」です",
            "パスワード「¤」",
            "密码是¤",
            "密码为 ¤",
            "您的密码是¤。",
            "암호는 ¤",
            "비밀번호는 ¤입니다",
        ],
        &BOTH,
    ));
    none(&changed(&["パスワードは必須です", "密码是错误的", "パスワードが一致しません。", "암호는 8자 이상"]));
}

#[test]
fn a_value_goes_on_behind_its_own_special_characters() {
    none(&shown(
        &[
            "failed: password=x;¤ (retry)",
            "failed: password=x,¤",
            "failed: password=x)¤ retry",
            "failed: password=x&¤ retry",
            "password=x9Kqw\\\n    ¤\nuser=a",
            "privateKey=MIIEvQIBADANBgkqhkiG9w0BAQEF\\\n  AASC¤kjh\\\n  x=\nuser=a",
        ],
        &BOTH,
    ));
    let text = "failed: password=x;user=cnryQ7f3kZ9pL,host=h1b2c3;c=d1e2f3";
    assert_eq!(foreign(text), text.replace("=x;", &format!("={MASK};")));
    let text = "Config(password=Sommer2025!,Author1x,host)";
    assert_eq!(foreign(text), text.replace("Sommer2025!", MASK));
}

#[test]
fn an_encoded_structure_is_found_in_lines_and_with_separators() {
    for value in BOTH {
        let json =
            format!("{{\"user\":\"a user with a longer name\",\"title\":\"Zugang\",\"password\":\"{value}\",\"a\":1}}");
        let letters = json.replace("Zugang", "Z\u{fc}gang");
        let latin1: Vec<u8> = letters.chars().filter_map(|it| u8::try_from(u32::from(it)).ok()).collect();
        let plain = format!("\0admin\0{value}");
        let mut left = Vec::new();
        for text in [
            broken(&STANDARD.encode(&json), 76),
            broken(&STANDARD.encode(&json), 64).replace("\r\n", "\n  "),
            broken(&STANDARD.encode(&json), 40),
            format!("data: {}", broken(&STANDARD.encode(&json), 60)),
            format!("0x{}", hex(json.as_bytes(), "")),
            hex(json.as_bytes(), ":"),
            hex(json.as_bytes(), " "),
            STANDARD.encode(&latin1),
            format!("AUTH PLAIN {}", STANDARD.encode(&plain)),
        ] {
            let masked = foreign(&text);
            // The part of the value, in whatever it is encoded.
            let kept = masked.replace(MASK, "");
            let shown = kept.len() > text.len() / 2;
            if shown || !masked.contains(MASK) {
                left.push(format!("{text}\n  -> {masked}"));
            }
        }
        none(&left);
        let encoded = STANDARD.encode(value);
        let masked = foreign(&format!("dn: cn=a\nuserPassword:: {encoded}\nsn: b"));
        assert!(!masked.contains(&encoded) && masked.ends_with("\nsn: b"), "{masked}");
    }
    let lines =
        broken(&STANDARD.encode("an ordinary text without any names, which is long enough for some lines of it"), 40);
    none(&changed(&[
        &lines,
        "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99",
        "0x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "std::password::check and token :: String",
        "ClassNameOfALongerComponentInAPackage\nAnotherClassNameOfAComponentHere\nx",
    ]));
}
