//! What a front does on a connection that breaks, act by act. At the end of a script the connection is closed.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// A connection to a client: plain, or with TLS.
pub(crate) type Line = Either<TcpStream, TlsStream<TcpStream>>;

/// The longest that a script may take: no client waits as long.
const LIMIT: Duration = Duration::from_secs(120);

/// The pause after each piece of what is sent slowly.
const PAUSE: Duration = Duration::from_millis(100);

/// One act of a script.
pub(crate) enum Act {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes again and again, so many times.
    Repeat(Vec<u8>, usize),
    /// Sends these bytes in pieces of this size, with a pause after each.
    Slowly(Vec<u8>, usize),
    /// Sends these bytes below TLS.
    Beneath(Vec<u8>),
    /// Sends nothing more, and still listens.
    Shut,
    /// Keeps the connection until the client has enough of it.
    Hold,
    /// Resets the connection.
    Reset,
}

/// Plays a script to its end, or until the client has gone.
pub(crate) async fn play(mut line: Line, script: Vec<Act>) {
    let acts = async {
        for act in script {
            perform(&mut line, act).await?;
        }
        Ok::<_, io::Error>(())
    };
    // An error is a client that has had enough.
    let _ = timeout(LIMIT, acts).await;
}

async fn perform(line: &mut Line, act: Act) -> io::Result<()> {
    match act {
        Act::Send(bytes) => send(line, &bytes).await,
        Act::Repeat(bytes, times) => {
            for _ in 0..times {
                send(line, &bytes).await?;
            }
            Ok(())
        }
        Act::Slowly(bytes, size) => {
            for piece in bytes.chunks(size) {
                send(line, piece).await?;
                sleep(PAUSE).await;
            }
            Ok(())
        }
        Act::Beneath(bytes) => socket(line).write_all(&bytes).await,
        Act::Shut => socket(line).shutdown().await,
        Act::Hold => drain(line).await,
        Act::Reset => socket(line).set_zero_linger(),
    }
}

async fn send(line: &mut Line, bytes: &[u8]) -> io::Result<()> {
    line.write_all(bytes).await?;
    line.flush().await
}

/// The connection below TLS.
fn socket(line: &mut Line) -> &mut TcpStream {
    match line {
        Either::Left(stream) => stream,
        Either::Right(stream) => stream.get_mut().0,
    }
}

/// Reads until the client has gone.
async fn drain(mut from: impl AsyncRead + Unpin) -> io::Result<()> {
    let mut bytes = [0; 1024];
    while from.read(&mut bytes).await? > 0 {}
    Ok(())
}
