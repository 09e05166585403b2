//! A small HTTP server for tests: one request a connection, and the bytes of every answer are the test's own. So it can
//! also do what a proper server never does: stop in the middle, drip, send what is no HTTP.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

/// One request, as it arrived.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The verb.
    pub method: String,
    /// Path and query, undecoded.
    pub target: String,
    /// The path alone.
    pub path: String,
    /// Names and values of the query, decoded.
    pub query: Vec<(String, String)>,
    /// Names and values of the headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Head and body as text.
    pub text: String,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names and values of the headers; length and end of the connection are added.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long to wait before the first byte.
    pub delay: Duration,
    /// The body goes out in so many parts, with a wait before each.
    pub drip: Option<(usize, Duration)>,
    /// What is done instead of answering.
    pub fault: Option<Fault>,
}

/// What is done instead of answering, by WireMock's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Fault {
    /// The connection is closed without a byte.
    EmptyResponse,
    /// A good head, then bytes that are no chunk.
    MalformedResponseChunk,
    /// Bytes that are no HTTP.
    RandomDataThenClose,
}

impl Answer {
    /// An answer with this body.
    pub fn of(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), kind.to_owned())];
        Self { status, headers, body: body.into(), delay: Duration::ZERO, drip: None, fault: None }
    }

    /// One that leads to another place.
    pub fn redirect(to: &str) -> Self {
        Self::of(302, "text/html", "moved").header("Location", to)
    }

    /// None.
    pub fn cut() -> Self {
        Self { fault: Some(Fault::EmptyResponse), ..Self::of(200, "text/plain", "") }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Asked {
    /// The first value of a header; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        let mut all = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        all.next().map_or("", |(_, value)| value)
    }

    /// A request as its parts say.
    pub fn of(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let headers: Vec<_> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let mut text = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in &headers {
            // Writing into a string does not fail.
            _ = write!(text, "{name}: {value}\r\n");
        }
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            path: decoded(path, false),
            query: query.map(|(n, v)| (decoded(n, true), decoded(v, true))).collect(),
            headers,
            body: body.to_vec(),
            text: format!("{text}\r\n{}", String::from_utf8_lossy(body)),
        }
    }
}

/// The server; it ends with its test's process.
#[derive(Debug)]
pub struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// One that answers so. Requests are taken side by side.
    pub fn start(answers: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let (asked, answers) = (Arc::<Mutex<Vec<Asked>>>::default(), Arc::new(answers));
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answers) = (Arc::clone(&kept), Arc::clone(&answers));
                // Who asks may leave before it was answered.
                std::thread::spawn(move || drop(serve(stream, &kept, &*answers)));
            }
        });
        Ok(Self { url, asked })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that it was asked, in the order in which it arrived.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(
    mut stream: TcpStream,
    kept: &Mutex<Vec<Asked>>,
    answers: &dyn Fn(&Asked) -> Answer,
) -> io::Result<()> {
    let Some(asked) = read(&mut stream)? else { return Ok(()) };
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    let answer = answers(&asked);
    sleep(answer.delay);
    let mut head = format!("HTTP/1.1 {} X\r\n", answer.status);
    for (name, value) in &answer.headers {
        // Writing into a string does not fail.
        _ = write!(head, "{name}: {value}\r\n");
    }
    match answer.fault {
        Some(Fault::EmptyResponse) => return Ok(()),
        Some(Fault::RandomDataThenClose) => return stream.write_all(b"\x01\x80lskdu018973t09sy"),
        Some(Fault::MalformedResponseChunk) => {
            let chunked = "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nno chunk\r\n";
            return stream.write_all(format!("{head}{chunked}").as_bytes());
        }
        None => {}
    }
    let length = answer.body.len();
    write!(stream, "{head}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
    if asked.method == "HEAD" {
        return Ok(());
    }
    let Some((parts, pause)) = answer.drip else { return stream.write_all(&answer.body) };
    for part in answer.body.chunks(length.div_ceil(parts.max(1)).max(1)) {
        sleep(pause);
        stream.write_all(part)?;
    }
    Ok(())
}

/// One request; none when whoever came left without asking.
fn read(stream: &mut TcpStream) -> io::Result<Option<Asked>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(asked) = parsed(&bytes) {
            return Ok(Some(asked));
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(None),
            read => bytes.extend_from_slice(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// The request, once it is whole.
fn parsed(bytes: &[u8]) -> Option<Asked> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, rest) = bytes.split_at(end);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let headers: Vec<(&str, &str)> =
        lines.filter_map(|line| line.split_once(':')).map(|(n, v)| (n, v.trim())).collect();
    let of = |name: &str| {
        headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    };
    let rest = rest.get(4..)?;
    let body = if of("transfer-encoding").is_some_and(|kind| kind.contains("chunked")) {
        joined(rest)?
    } else {
        let length = of("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        rest.get(..length)?.to_vec()
    };
    Some(Asked::of(method, target, &headers, &body))
}

/// A body that came in chunks, once its end is there.
fn joined(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let (size, after) = rest.split_at(end);
        let size = String::from_utf8_lossy(size);
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(after.get(2..size + 2)?);
        rest = after.get(size + 4..)?;
    }
}

/// What stands behind `%41`, and behind `+` in a query.
fn decoded(text: &str, plus: bool) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let pair = (byte == b'%').then(|| [ahead.next(), ahead.next()]);
        let value = pair.and_then(|pair| {
            let [Some(high), Some(low)] = pair else { return None };
            u8::from_str_radix(std::str::from_utf8(&[high, low]).ok()?, 16).ok()
        });
        match value {
            Some(value) => {
                out.push(value);
                bytes = ahead;
            }
            None if plus && byte == b'+' => out.push(b' '),
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
