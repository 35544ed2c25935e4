//! The signals that request the end of the program.

/// Waits until the end is requested by Ctrl-C, or by the signal of a CI system or a container. If signals are
/// unavailable, it never returns. Signals count from the call on, not only from the first wait: who announces that it can
/// be ended calls this before.
#[cfg(unix)]
pub(crate) fn asked_to_end() -> impl Future<Output = ()> {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    async fn arrives(signal: Option<Signal>) {
        match signal {
            Some(mut signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [interrupt, terminate, hangup] = kinds.map(|kind| signal(kind).ok());
    async {
        tokio::select! {
            () = arrives(interrupt) => {}
            () = arrives(terminate) => {}
            () = arrives(hangup) => {}
        }
    }
}

/// Returns when the end is requested by Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn asked_to_end() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
