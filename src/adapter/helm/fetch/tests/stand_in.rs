//! A server on this machine with pages, and archives as somebody with bad intentions packs them.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use xtask::stubs::{Answer, Asked, Server};

use crate::adapter::helm::Settings;
use crate::model::ChartSource;

/// A page that is simply there.
pub(super) fn ok(body: impl Into<Vec<u8>>) -> Answer {
    Answer::of(200, "text/plain", body)
}

pub(super) fn status(status: u16, body: &str) -> Answer {
    Answer::of(status, "text/plain", body)
}

pub(super) fn html(body: &str) -> Answer {
    Answer::of(200, "text/html; charset=utf-8", body)
}

#[derive(Debug, Default)]
struct Told {
    pages: BTreeMap<String, Answer>,
    /// Words of authorization, and the challenge for who has others.
    wants: Option<(String, String)>,
}

/// Pages that a test puts there and changes: charts are made by the test, so no mapping can hold them.
pub(super) struct StandIn {
    pub(super) url: String,
    server: Server,
    told: Arc<Mutex<Told>>,
}

impl StandIn {
    pub(super) fn start() -> Self {
        let told = Arc::new(Mutex::new(Told::default()));
        let shared = Arc::clone(&told);
        let server = Server::start(move |asked| answer(asked, &shared.lock().unwrap())).unwrap();
        Self { url: server.url().to_owned(), server, told }
    }

    pub(super) fn page(&self, path: &str, page: Answer) {
        self.told.lock().unwrap().pages.insert(path.to_owned(), page);
    }

    pub(super) fn wants(&self, words: &str, challenge: &str) {
        self.told.lock().unwrap().wants = Some((words.to_owned(), challenge.to_owned()));
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }
}

fn answer(asked: &Asked, told: &Told) -> Answer {
    match &told.wants {
        Some((words, challenge)) if words != asked.header("authorization") => {
            status(401, "who are you").header("WWW-Authenticate", challenge)
        }
        _ => told.pages.get(&asked.target).cloned().unwrap_or_else(|| status(404, "none")),
    }
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
