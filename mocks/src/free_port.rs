//! Sockets at free ports of a loopback address.
//!
//! Linux looks for a free port among those of the last minute's connections. The self-test starts thousands of stacks a
//! minute, and most of its time went into that search. Below the range for connections, the next port is nearly always
//! free.

use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// The first port to try, below Linux's range for connections (32768 and up) and that of Kubernetes (30000 to 32767).
const FIRST: u16 = 20_000;

/// How many ports there are to try.
const COUNT: u16 = 10_000;

/// How many ports are tried before the system chooses.
const TRIES: usize = 50;

/// Binds a free port of an address.
pub(crate) fn bind(address: IpAddr) -> io::Result<TcpListener> {
    // Elsewhere two sockets could get the same port: for an address and for all of them, or with the option that the
    // standard library sets.
    if cfg!(target_os = "linux") && address.is_loopback() {
        let next = std::iter::repeat_with(|| TcpListener::bind((address, next_port())));
        if let Some(listener) = next.take(TRIES).find_map(Result::ok) {
            return Ok(listener);
        }
    }
    TcpListener::bind((address, 0))
}

/// The next port to try. Each process begins at another one.
fn next_port() -> u16 {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let start = || AtomicU16::new(u16::try_from(std::process::id().wrapping_mul(7919) % u32::from(COUNT)).unwrap_or(0));
    FIRST + NEXT.get_or_init(start).fetch_add(1, Ordering::Relaxed) % COUNT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_socket_has_its_own_port() {
        let sockets: Vec<_> = (0..200).map(|_| bind([127, 0, 0, 1].into()).expect("a free port")).collect();
        let mut ports: Vec<_> = sockets.iter().map(|socket| socket.local_addr().expect("bound").port()).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 200);
    }

    #[test]
    fn a_port_in_use_is_left_out() {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let next = next_port();
        let taken: Vec<_> = (1..=20).map(|ahead| TcpListener::bind((loopback, next + ahead))).collect();
        assert!(bind([127, 0, 0, 1].into()).is_ok());
        drop(taken);
    }
}
