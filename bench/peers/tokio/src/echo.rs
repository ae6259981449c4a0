// bench/peers/tokio/src/echo.rs - the server of the suite `echo` on tokio: a task for each connection.
//
// SPDX-License-Identifier: MIT
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn echo(mut conn: TcpStream) -> std::io::Result<()> {
    let mut buf = [0; 1024];
    conn.set_nodelay(true)?;
    loop {
        let n = conn.read(&mut buf).await?;
        if n == 0 {
            return Ok(());
        }
        conn.write_all(&buf[..n]).await?;
    }
}

/// Prints `listening PORT` and serves until SIGTERM ends the program.
pub async fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening {}", listener.local_addr()?.port());
    loop {
        let (conn, _) = listener.accept().await?;
        tokio::spawn(echo(conn));
    }
}
