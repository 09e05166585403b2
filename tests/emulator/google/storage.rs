//! Stands before the emulator of Cloud Storage, which lets everybody in, and lets nobody through who shows no living token:
//! the stand-in for Google says which ones are.

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use xtask::lab::{Gcs, Lab};

use crate::backend::request;

/// The guard. It ends with the test's process.
pub(super) struct Guarded {
    pub(super) host: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    tokens: Vec<String>,
    refused: usize,
}

impl Guarded {
    pub(super) fn before(gcs: &Gcs, lab: &Lab) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let kept = Arc::clone(&seen);
        let (upstream, knows) = (gcs.host(), format!("{}/_google", lab.aws.endpoint));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (upstream, knows, seen) = (upstream.clone(), knows.clone(), Arc::clone(&kept));
                std::thread::spawn(move || one(stream, &upstream, &knows, &seen));
            }
        });
        Self { host, seen }
    }

    /// How many different tokens were shown.
    pub(super) fn tokens(&self) -> usize {
        let mut all = self.seen.lock().unwrap().tokens.clone();
        all.sort();
        all.dedup();
        all.len()
    }

    /// How many requests were refused for want of a token.
    pub(super) fn refused(&self) -> usize {
        self.seen.lock().unwrap().refused
    }
}

fn one(mut client: TcpStream, upstream: &str, knows: &str, seen: &Mutex<Seen>) {
    let mut from = BufReader::new(client.try_clone().unwrap());
    let Some((head, body)) = request(&mut from, upstream) else { return };
    let shown = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let bearer = value.trim().strip_prefix("Bearer ")?;
        name.eq_ignore_ascii_case("authorization").then(|| bearer.to_owned())
    });
    let lives = |token: &String| {
        let url = format!("{knows}/www.googleapis.com/oauth2/v2/tokeninfo?access_token={token}");
        ureq::post(&url).send_empty().is_ok()
    };
    let Some(token) = shown.filter(lives) else {
        seen.lock().unwrap().refused += 1;
        let answer = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 45\r\n\
                      Connection: close\r\n\r\n{\"error\":{\"code\":401,\"message\":\"no token\"}}  ";
        drop(client.write_all(answer.as_bytes()));
        return;
    };
    seen.lock().unwrap().tokens.push(token);
    let mut server = TcpStream::connect(upstream).unwrap();
    server.write_all(head.as_bytes()).unwrap();
    server.write_all(&body).unwrap();
    let mut answer = Vec::new();
    drop(server.read_to_end(&mut answer));
    drop(client.write_all(&answer));
}
