//! The options of curl, up to 8.16: which take a value decides what the next word is. Source: curl's own manual,
//! <https://curl.se/docs/manpage.html>.

/// Options without a value. Each also exists as `--no-…`.
const FLAGS: &str = "anyauth append basic ca-native cert-status compressed compressed-ssh create-dirs crlf digest disable \
    disable-eprt disable-epsv disallow-username-in-url doh-cert-status doh-insecure dump-ca-embed environment eprt epsv \
    fail fail-early fail-with-body false-start follow form-escape ftp-create-dirs ftp-pasv ftp-pret ftp-skip-pasv-ip \
    ftp-ssl ftp-ssl-ccc ftp-ssl-control ftp-ssl-reqd get globoff haproxy-protocol head http0.9 http1.0 http1.1 http2 \
    http2-prior-knowledge http3 http3-only ignore-content-length include insecure ipv4 ipv6 junk-session-cookies \
    list-only location location-trusted mail-rcpt-allowfails manual metalink mptcp negotiate netrc netrc-optional next \
    no-alpn no-buffer no-clobber no-keepalive no-npn no-progress-meter no-sessionid ntlm ntlm-wb out-null parallel \
    parallel-immediate path-as-is post301 post302 post303 progress-bar progress-meter proxy-anyauth proxy-basic \
    proxy-ca-native proxy-digest proxy-http2 proxy-insecure proxy-negotiate proxy-ntlm proxy-ssl-allow-beast \
    proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel raw remote-header-name remote-name remote-name-all remote-time \
    remove-on-error retry-all-errors retry-connrefused sasl-ir sessionid show-error show-headers silent skip-existing \
    socks5-basic socks5-gssapi socks5-gssapi-nec ssl ssl-allow-beast ssl-auto-client-cert ssl-no-revoke ssl-reqd \
    ssl-revoke-best-effort sslv2 sslv3 styled-output suppress-connect-headers tcp-fastopen tcp-nodelay tftp-no-options \
    tls-earlydata tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 tr-encoding trace-ids trace-time use-ascii verbose version xattr";

/// Options with a value.
const VALUED: &str = "abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout \
    connect-to continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary data-raw \
    data-urlencode delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header ech egd-file \
    engine etag-compare etag-save expect100-timeout form form-string ftp-account ftp-alternative-to-user ftp-method \
    ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip header help hostpubmd5 hostpubsha256 hsts \
    interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key key-type knownhosts krb libcurl limit-rate \
    local-port login-options mail-auth mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy \
    oauth2-bearer output output-dir parallel-max parallel-max-host pass pinnedpubkey preproxy proto proto-default \
    proto-redir proxy proxy-cacert proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header \
    proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype \
    proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 pubkey quote random-file range rate referer request \
    request-target resolve retry retry-delay retry-max-time sasl-authzid service-name sigalgs socks4 socks4a socks5 \
    socks5-gssapi-service socks5-hostname speed-limit speed-time ssl-sessions stderr telnet-option tftp-blksize \
    time-cond tls-max tls13-ciphers tlsauthtype tlspassword tlsuser trace trace-ascii trace-config unix-socket \
    upload-file upload-flags url url-query user user-agent variable vlan-priority write-out";

/// The short forms, without a hyphen.
const SHORT: [(char, &str); 59] = [
    ('#', "progress-bar"),
    (':', "next"),
    ('0', "http1.0"),
    ('1', "tlsv1"),
    ('2', "sslv2"),
    ('3', "sslv3"),
    ('4', "ipv4"),
    ('6', "ipv6"),
    ('A', "user-agent"),
    ('B', "use-ascii"),
    ('C', "continue-at"),
    ('D', "dump-header"),
    ('E', "cert"),
    ('F', "form"),
    ('G', "get"),
    ('H', "header"),
    ('I', "head"),
    ('J', "remote-header-name"),
    ('K', "config"),
    ('L', "location"),
    ('M', "manual"),
    ('N', "no-buffer"),
    ('O', "remote-name"),
    ('P', "ftp-port"),
    ('Q', "quote"),
    ('R', "remote-time"),
    ('S', "show-error"),
    ('T', "upload-file"),
    ('U', "proxy-user"),
    ('V', "version"),
    ('X', "request"),
    ('Y', "speed-limit"),
    ('Z', "parallel"),
    ('a', "append"),
    ('b', "cookie"),
    ('c', "cookie-jar"),
    ('d', "data"),
    ('e', "referer"),
    ('f', "fail"),
    ('g', "globoff"),
    ('h', "help"),
    ('i', "include"),
    ('j', "junk-session-cookies"),
    ('k', "insecure"),
    ('l', "list-only"),
    ('m', "max-time"),
    ('n', "netrc"),
    ('o', "output"),
    ('p', "proxytunnel"),
    ('q', "disable"),
    ('r', "range"),
    ('s', "silent"),
    ('t', "telnet-option"),
    ('u', "user"),
    ('v', "verbose"),
    ('w', "write-out"),
    ('x', "proxy"),
    ('y', "speed-time"),
    ('z', "time-cond"),
];

/// An option of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opt {
    /// One without a value: its long name.
    Flag(&'static str),
    /// One with a value: its long name, and the value if it is attached.
    Valued(&'static str, Option<String>),
}

/// The options of an argument that begins with a hyphen: short ones may stand together, as in `-sSku`.
///
/// # Errors
///
/// The option that is not known.
pub(super) fn options(word: &str) -> Result<Vec<Opt>, String> {
    match word.strip_prefix("--") {
        Some(long) => long_option(long).map(|option| vec![option]).ok_or_else(|| unknown(word)),
        None => short_options(word),
    }
}

fn unknown(word: &str) -> String {
    // What follows the name may be a secret.
    let name: String = word.chars().take_while(|c| c.is_ascii_alphanumeric() || "-.#:".contains(*c)).take(40).collect();
    format!("{name} is not known as an option of curl; leave it out")
}

fn long_option(text: &str) -> Option<Opt> {
    let (name, attached) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value.to_owned())));
    if let Some(name) = find(VALUED, name) {
        return Some(Opt::Valued(name, attached));
    }
    let flag = find(FLAGS, name).or_else(|| find(FLAGS, name.strip_prefix("no-")?).map(|_| "no"));
    flag.map(Opt::Flag)
}

/// The option of that name, or the only one that begins so: curl takes both.
fn find(options: &'static str, name: &str) -> Option<&'static str> {
    if let Some(found) = options.split(' ').find(|option| *option == name) {
        return Some(found);
    }
    let mut all = FLAGS.split(' ').chain(VALUED.split(' ')).filter(|option| option.starts_with(name) && name.len() > 2);
    let only = all.next().filter(|_| all.next().is_none())?;
    options.split(' ').find(|option| *option == only)
}

fn short_options(word: &str) -> Result<Vec<Opt>, String> {
    let mut options = Vec::new();
    let letters = word.char_indices().skip(1);
    for (index, letter) in letters {
        let known = SHORT.iter().find(|(short, _)| *short == letter);
        let (_, name) = known.ok_or_else(|| unknown(&format!("-{letter}")))?;
        if VALUED.split(' ').any(|valued| valued == *name) {
            let rest = &word[index + letter.len_utf8()..];
            options.push(Opt::Valued(name, (!rest.is_empty()).then(|| rest.to_owned())));
            break;
        }
        options.push(Opt::Flag(name));
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_short_option_is_one_of_the_long_ones() {
        for (short, long) in SHORT {
            let known = FLAGS.split(' ').chain(VALUED.split(' ')).any(|option| option == long);
            assert!(known, "-{short} {long}");
        }
    }

    #[test]
    fn short_options_stand_together_and_the_last_may_take_a_value() {
        let valued = |name, value: Option<&str>| Opt::Valued(name, value.map(str::to_owned));
        assert_eq!(options("-sSk"), Ok(vec![Opt::Flag("silent"), Opt::Flag("show-error"), Opt::Flag("insecure")]));
        assert_eq!(options("-sku"), Ok(vec![Opt::Flag("silent"), Opt::Flag("insecure"), valued("user", None)]));
        assert_eq!(options("-XPOST"), Ok(vec![valued("request", Some("POST"))]));
        assert_eq!(options("-uadmin:x"), Ok(vec![valued("user", Some("admin:x"))]));
        assert_eq!(options("-:"), Ok(vec![Opt::Flag("next")]));
        assert_eq!(options("-5"), Err("-5 is not known as an option of curl; leave it out".to_owned()));
    }

    #[test]
    fn long_options_are_read_in_every_spelling() {
        assert_eq!(options("--retry"), Ok(vec![Opt::Valued("retry", None)]));
        assert_eq!(options("--request=POST"), Ok(vec![Opt::Valued("request", Some("POST".into()))]));
        assert_eq!(options("--no-compressed"), Ok(vec![Opt::Flag("no")]));
        assert_eq!(options("--data-url"), Ok(vec![Opt::Valued("data-urlencode", None)]));
        assert!(options("--data-u=secret").is_ok());
        assert_eq!(
            options("--passwort=hush"),
            Err("--passwort is not known as an option of curl; leave it out".to_owned())
        );
    }
}
