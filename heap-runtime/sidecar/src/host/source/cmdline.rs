//! The kernel's command line, without the names of hosts: a sidecar says of none which it is.

/// What stands in place of a name.
const MASK: &str = "(host)";

/// Parameters whose value is the name of this host.
const NAMES: [&str; 3] = ["hostname", "systemd.hostname", "udev.hostname"];

/// The command line without the host's name, whether that is told by the kernel, or by a parameter that
/// gives the host one.
pub(super) fn masked(cmdline: &str, host_name: Option<&str>) -> String {
    let known: Vec<&str> = cmdline
        .split(' ')
        .filter_map(given)
        .chain(host_name.map(str::trim))
        .filter(|name| !name.is_empty())
        .collect();
    let parameters: Vec<String> = cmdline
        .split(' ')
        .map(|parameter| {
            let Some((key, value)) = parameter.split_once('=') else {
                return parameter.to_owned();
            };
            let value = known
                .iter()
                .fold(value.to_owned(), |value, name| without(&value, name));
            format!("{key}={value}")
        })
        .collect();
    parameters.join(" ")
}

/// The name that a parameter gives this host.
fn given(parameter: &str) -> Option<&str> {
    let (key, value) = parameter.split_once('=')?;
    if NAMES.contains(&key) {
        return Some(value);
    }
    // ip=<client>:<server>:<gateway>:<netmask>:<hostname>:<device>:...; an address of version 6 is in
    // brackets.
    (key == "ip")
        .then(|| outside_brackets(value).nth(4))
        .flatten()
}

/// The parts of a value between colons.
fn outside_brackets(value: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    value.split(move |c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ':' && depth == 0
    })
}

/// A value in which a name, whole and with its domain, is masked.
fn without(value: &str, name: &str) -> String {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let mut masked = String::with_capacity(value.len());
    let mut rest = value;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        let is_it = word
            .strip_prefix(name)
            .is_some_and(|domain| domain.is_empty() || domain.starts_with('.'));
        // The kernel may know more of the name than the parameter.
        let is_short = name
            .strip_prefix(word)
            .is_some_and(|domain| domain.starts_with('.'));
        masked.push_str(if !word.is_empty() && (is_it || is_short) {
            MASK
        } else {
            word
        });
        let mut next = behind.chars();
        masked.extend(next.next());
        rest = next.as_str();
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn the_hosts_name_is_in_no_parameter() {
        for (cmdline, name, expected) in [
            ("root=/dev/sda quiet", Some("web1"), "root=/dev/sda quiet"),
            (
                "systemd.hostname=web1.corp.example quiet",
                None,
                "systemd.hostname=(host) quiet",
            ),
            (
                "nfsroot=10.0.0.1:/srv/web1,v3 quiet",
                Some("web1\n"),
                "nfsroot=10.0.0.1:/srv/(host),v3 quiet",
            ),
            (
                "a=web1.corp.example b=web10 c=xweb1",
                Some("web1"),
                "a=(host) b=web10 c=xweb1",
            ),
            (
                "a=web1 b=/web1/x",
                Some("web1.corp.example"),
                "a=(host) b=/(host)/x",
            ),
            (
                "ip=10.0.0.5::10.0.0.1:255.255.255.0:web1:eth0:off a=web1",
                None,
                "ip=10.0.0.5::10.0.0.1:255.255.255.0:(host):eth0:off a=(host)",
            ),
            (
                "ip=[fe80::5]::[fe80::1]:64:web1:eth0:off",
                None,
                "ip=[fe80::5]::[fe80::1]:64:(host):eth0:off",
            ),
            // What the parameters are called is not the host's.
            ("quiet root=1", Some("root"), "quiet root=1"),
            ("quiet", Some(""), "quiet"),
            ("a=größe", Some("größe"), "a=größe"),
        ] {
            assert_eq!(masked(cmdline, name), expected, "{cmdline}");
        }
    }
}
