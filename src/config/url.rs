//! URLs of servers in settings: they say all about the place and nothing more, and lead to no address that machines keep
//! for themselves.

use crate::error::{Error, Result};
use crate::model::name;

/// Checks the URL of a server. The token goes there and nowhere else, so it says all about the place and nothing more.
pub(super) fn url(field: &str, given: &str, plain_on_this_machine: bool) -> Result<String> {
    let wrong = |why: &str| {
        // What stands before an @ may be a password.
        let shown = if given.contains('@') { "(not shown)" } else { given };
        Error::invalid(field, shown, why).allowed("https://HOST[:PORT][/PATH]")
    };
    let trimmed = given.trim_end_matches('/');
    let (rest, tls) = match (trimmed.strip_prefix("https://"), trimmed.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return Err(wrong("is not reached over https")),
    };
    if given.contains('@') {
        return Err(wrong("holds a user's name")
            .next("put the token into a variable or a file, and name that in `token`"));
    }
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
    name::host(place).map_err(|bad| wrong(&bad.why))?;
    if is_link_local(host) {
        return Err(wrong("is a link-local address, where clouds keep their credentials"));
    }
    let on_this_machine = host == "localhost"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    let excused = plain_on_this_machine && on_this_machine;
    if !tls && !excused {
        return Err(wrong("is reached over plain http, where anybody on the way reads the token"));
    }
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    if !path.is_empty() && !path.split('/').all(plain) {
        return Err(wrong("has a path that is not plain"));
    }
    Ok(trimmed.to_owned())
}

/// Hosts that answer on one machine's own network only (RFC 3927), and the names that clouds gave them.
fn is_link_local(host: &str) -> bool {
    host.starts_with("169.254.")
        || matches!(host, "metadata" | "metadata.google.internal" | "instance-data" | "0.0.0.0")
        // Numbers that stand for an address in another spelling.
        || host.split('.').all(|part| part.bytes().all(|b| b.is_ascii_digit())) && host.split('.').count() != 4
        || host.split('.').any(|part| part.starts_with("0x"))
}
