//! Runs the script of a fault on a connection. At its end the connection is closed.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// A connection to a client: plain, or with TLS.
pub(crate) type Connection = Either<TcpStream, TlsStream<TcpStream>>;

/// The time limit for a script, longer than any client waits.
const LIMIT: Duration = Duration::from_secs(120);

/// The pause after each piece of a slow answer.
const PAUSE: Duration = Duration::from_millis(100);

/// One act of a script.
#[derive(Clone, Debug)]
pub(crate) enum ScriptStep {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes this many times.
    Repeat(Vec<u8>, usize),
    /// Sends these bytes in pieces of this size, with a pause after each.
    Slowly(Vec<u8>, usize),
    /// Sends these bytes below TLS.
    Beneath(Vec<u8>),
    /// Closes the sending half only.
    Shut,
    /// Keeps the connection open until the client closes it.
    Hold,
    /// Resets the connection.
    Reset,
}

/// Runs a script to its end, or until the client disconnects.
pub(crate) async fn play(mut connection: Connection, script: Vec<ScriptStep>) {
    let acts = async {
        for act in script {
            perform(&mut connection, act).await?;
        }
        Ok::<_, io::Error>(())
    };
    // An error means that the client has disconnected.
    let _ = timeout(LIMIT, acts).await;
}

async fn perform(connection: &mut Connection, act: ScriptStep) -> io::Result<()> {
    match act {
        ScriptStep::Send(bytes) => send(connection, &bytes).await,
        ScriptStep::Repeat(bytes, times) => {
            for _ in 0..times {
                send(connection, &bytes).await?;
            }
            Ok(())
        }
        ScriptStep::Slowly(bytes, size) => {
            for piece in bytes.chunks(size) {
                send(connection, piece).await?;
                sleep(PAUSE).await;
            }
            Ok(())
        }
        ScriptStep::Beneath(bytes) => socket(connection).write_all(&bytes).await,
        ScriptStep::Shut => socket(connection).shutdown().await,
        ScriptStep::Hold => drain(connection).await,
        ScriptStep::Reset => socket(connection).set_zero_linger(),
    }
}

async fn send(connection: &mut Connection, bytes: &[u8]) -> io::Result<()> {
    connection.write_all(bytes).await?;
    connection.flush().await
}

/// The connection below TLS.
fn socket(connection: &mut Connection) -> &mut TcpStream {
    match connection {
        Either::Left(stream) => stream,
        Either::Right(stream) => stream.get_mut().0,
    }
}

/// Reads until the client disconnects.
async fn drain(mut from: impl AsyncRead + Unpin) -> io::Result<()> {
    let mut bytes = [0; 1024];
    while from.read(&mut bytes).await? > 0 {}
    Ok(())
}
