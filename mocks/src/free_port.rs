//! Sockets at free ports of a loopback address.
//!
//! Asked for any port, Linux searches among those of the last minute's connections. The self-test binds some hundred
//! sockets a second, and spent two fifths of its CPU time in that search. Below the range for connections, the next port
//! is nearly always free.

use std::io;
use std::net::{IpAddr, TcpListener};
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The ports to try: below Linux's range for connections (32768 and up), and below those that containers are given.
const PORTS: Range<u16> = 20_000..28_000;

/// How many ports are tried before the system chooses.
const TRIES: usize = 50;

/// Binds a free port of an address.
pub(crate) fn bind(address: IpAddr) -> io::Result<TcpListener> {
    // Other systems let two sockets have one port, with the option that the standard library sets. So do addresses other
    // than loopback, where a part of this machine may already use the port of one address.
    let tries = if cfg!(target_os = "linux") && address.is_loopback() { TRIES } else { 0 };
    first_free(address, std::iter::repeat_with(next_port).take(tries))
        .map_or_else(|| TcpListener::bind((address, 0)), Ok)
}

/// A socket at the first of some ports that is free.
fn first_free(address: IpAddr, mut ports: impl Iterator<Item = u16>) -> Option<TcpListener> {
    ports.find_map(|port| TcpListener::bind((address, port)).ok())
}

/// The next port to try. Each process begins at another one.
fn next_port() -> u16 {
    static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(std::process::id().wrapping_mul(7919)));
    let step = NEXT.fetch_add(1, Ordering::Relaxed) % u32::from(PORTS.end - PORTS.start);
    PORTS.start + u16::try_from(step).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn port(socket: &TcpListener) -> u16 {
        socket.local_addr().expect("bound").port()
    }

    #[test]
    fn every_socket_has_its_own_port() {
        let sockets: Vec<_> = (0..200).map(|_| bind(LOOPBACK).expect("a free port")).collect();
        let ports: std::collections::BTreeSet<u16> = sockets.iter().map(port).collect();
        assert_eq!(ports.len(), 200);
    }

    #[test]
    fn a_port_in_use_is_left_out() {
        let (taken, other) = (bind(LOOPBACK).expect("a free port"), bind(LOOPBACK).expect("a free port"));
        let (taken_port, free_port) = (port(&taken), port(&other));
        drop(other);
        assert!(first_free(LOOPBACK, [taken_port].into_iter()).is_none());
        let found = first_free(LOOPBACK, [taken_port, free_port].into_iter()).expect("one is free");
        assert_eq!(port(&found), free_port);
    }

    #[test]
    fn the_system_chooses_for_all_addresses() {
        let socket = bind(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)).expect("a free port");
        assert!(!PORTS.contains(&port(&socket)), "{}", port(&socket));
    }
}
