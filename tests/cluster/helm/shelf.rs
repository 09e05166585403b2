//! Files of a folder by plain http on this machine, below `/stable/`: a repository of charts is no more than that.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Served until it is dropped.
pub(crate) struct Shelf {
    pub(crate) url: String,
    closed: Arc<AtomicBool>,
}

impl Shelf {
    pub(crate) fn open(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let closed = Arc::new(AtomicBool::new(false));
        let (folder, ends) = (folder.to_path_buf(), Arc::clone(&closed));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                // Who asks may leave before it was answered.
                drop(answer(&stream, &folder));
            }
        });
        Self { url, closed }
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // Wakes the loop that waits for somebody.
        drop(TcpStream::connect(self.url.trim_start_matches("http://")));
    }
}

fn answer(mut stream: &TcpStream, folder: &Path) -> std::io::Result<()> {
    let mut path = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if let Some(rest) = line.strip_prefix("GET /stable/") {
            path = rest.split(' ').next().unwrap_or_default().to_owned();
        }
        if line.is_empty() {
            break;
        }
    }
    let place: PathBuf = folder.join(&path);
    let found = std::fs::read(place).ok().filter(|_| !path.is_empty());
    let (status, body) = found.map_or((404, Vec::new()), |body| (200, body));
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}
