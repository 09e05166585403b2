//! A server on this machine with pages, and archives as somebody with bad intentions packs them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::adapter::helm::Settings;
use crate::model::ChartSource;

#[derive(Debug, Clone)]
pub(super) struct Page {
    status: u16,
    kind: &'static str,
    location: Option<String>,
    body: Vec<u8>,
}

impl Page {
    pub(super) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, kind: "text/plain", location: None, body: body.into() }
    }

    pub(super) fn status(status: u16, body: &str) -> Self {
        Self { status, ..Self::ok(body) }
    }

    pub(super) fn html(body: &str) -> Self {
        Self { kind: "text/html; charset=utf-8", ..Self::ok(body) }
    }

    pub(super) fn redirect(to: &str) -> Self {
        Self { location: Some(to.to_owned()), ..Self::status(302, "moved") }
    }
}

/// What it was asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) authorization: String,
}

#[derive(Debug, Default)]
struct Told {
    pages: BTreeMap<String, Page>,
    asked: Vec<Asked>,
    /// Words of authorization, and the challenge for who has others.
    wants: Option<(String, String)>,
}

pub(super) struct StandIn {
    pub(super) url: String,
    told: Arc<Mutex<Told>>,
}

impl StandIn {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Told::default()));
        let shared = Arc::clone(&told);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // Who asks may leave before it was answered.
                std::thread::spawn(move || drop(answer(&stream, &shared)));
            }
        });
        Self { url, told }
    }

    pub(super) fn page(&self, path: &str, page: Page) {
        self.told.lock().unwrap().pages.insert(path.to_owned(), page);
    }

    pub(super) fn wants(&self, words: &str, challenge: &str) {
        self.told.lock().unwrap().wants = Some((words.to_owned(), challenge.to_owned()));
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.told.lock().unwrap().asked.clone()
    }
}

fn answer(stream: &TcpStream, told: &Mutex<Told>) -> std::io::Result<()> {
    let mut asked = Asked::default();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("GET ") {
            asked.path = rest.split(' ').next().unwrap().to_owned();
        }
        if line.to_ascii_lowercase().starts_with("authorization: ") {
            asked.authorization = line["authorization: ".len()..].to_owned();
        }
    }
    let mut told = told.lock().unwrap();
    let challenge =
        told.wants.clone().filter(|(words, _)| *words != asked.authorization).map(|(_, c)| c);
    let page = match &challenge {
        Some(_) => Page::status(401, "who are you"),
        None => told.pages.get(&asked.path).cloned().unwrap_or(Page::status(404, "none")),
    };
    told.asked.push(asked);
    drop(told);
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {} X\r\nContent-Type: {}\r\n", page.status, page.kind)?;
    if let Some(to) = page.location {
        write!(stream, "Location: {to}\r\n")?;
    }
    if let Some(challenge) = challenge {
        write!(stream, "WWW-Authenticate: {challenge}\r\n")?;
    }
    write!(stream, "Content-Length: {}\r\nConnection: close\r\n\r\n", page.body.len())?;
    stream.write_all(&page.body)
}

/// A source on this machine.
pub(super) fn source(url: &str) -> ChartSource {
    ChartSource {
        name: "main".into(),
        url: url.to_owned(),
        plain_http: true,
        username: None,
        password: None,
        ca: None,
        keyring: None,
        signed: false,
        elsewhere: Vec::new(),
    }
}

pub(super) fn settings_of() -> Settings {
    Settings {
        binary: None,
        search_path: Vec::new(),
        program: "/bin/datamcp".into(),
        credential_command: Vec::new(),
        passthrough: Vec::new(),
        home: "/home/deploy".into(),
        secrets: std::sync::Arc::new(crate::port::NoSecrets),
    }
}

/// One thing in an archive, named as no honest packer would.
pub(super) struct Tar {
    name: String,
    kind: u8,
    link: String,
    bytes: Vec<u8>,
}

impl Tar {
    pub(super) fn file(name: &str, text: &str) -> Self {
        Self { name: name.into(), kind: b'0', link: String::new(), bytes: text.into() }
    }

    pub(super) fn link(name: &str, to: &str) -> Self {
        Self { kind: b'2', link: to.into(), ..Self::file(name, "") }
    }

    pub(super) fn hard(name: &str, to: &str) -> Self {
        Self { kind: b'1', link: to.into(), ..Self::file(name, "") }
    }
}

/// The archive, byte by byte: the library refuses to write such names.
pub(super) fn packed(entries: &[Tar]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    for entry in entries {
        let mut header = tar::Header::new_ustar();
        let raw = header.as_old_mut();
        raw.name[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        raw.linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
        raw.linkflag = [entry.kind];
        header.set_size(entry.bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        out.write_all(header.as_bytes()).unwrap();
        out.write_all(&entry.bytes).unwrap();
        out.write_all(&vec![0; entry.bytes.len().next_multiple_of(512) - entry.bytes.len()])
            .unwrap();
    }
    out.write_all(&[0; 1024]).unwrap();
    out.finish().unwrap()
}
