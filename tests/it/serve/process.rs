//! A fixture that runs `photos serve` and other commands in a temporary folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use photo_catalogue::clients::{self, Endpoints};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

/// The maximum time that a test waits for one condition. It is long because a machine may be
/// loaded.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// A temporary folder in which tests run the `photos` command. It contains a data folder, and a
/// `photos serve` may run on that data folder.
pub(crate) struct Photos {
    folder: TempDir,
    child: Option<Child>,
    /// `true` if the commands make pictures. Most tests do without them, because they take time.
    makes_pictures: bool,
}

/// The URLs of external stores, and the key pair for requests to them.
pub(crate) struct Elsewhere {
    pub(crate) s3: String,
    pub(crate) dynamodb: String,
    pub(crate) key_pair: (&'static str, &'static str),
}

impl Elsewhere {
    fn set_keys(&self, command: &mut Command) {
        let (access, secret) = self.key_pair;
        command
            .env("AWS_ACCESS_KEY_ID", access)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_REGION", "us-east-1");
    }
}

/// The addresses and the key pair of a running `photos serve`, as it writes them to its data
/// folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunningServe {
    pub(crate) s3: String,
    pub(crate) dynamodb: Option<String>,
    pub(crate) socket: PathBuf,
    pub(crate) gallery: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

impl Photos {
    /// Creates an empty folder. Starts no process.
    pub(crate) fn at_rest() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Photos {
            folder,
            child: None,
            makes_pictures: false,
        }
    }

    /// Prepares a folder as [`Photos::at_rest`] does. The commands make pictures, as they do by
    /// default.
    pub(crate) fn with_pictures() -> Self {
        let mut photos = Photos::at_rest();
        photos.makes_pictures = true;
        photos
    }

    /// Creates an empty folder and starts `photos serve` in it.
    pub(crate) fn serving() -> Self {
        let mut photos = Photos::at_rest();
        photos.start(&[]);
        photos
    }

    /// Starts `photos serve` on free ports. Returns before the servers listen.
    pub(crate) fn launch(&mut self, arguments: &[&str]) {
        assert!(self.child.is_none(), "it runs already");
        let errors = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("errors.txt"))
            .unwrap();
        let ports = ["serve", "--port", "0", "--s3-port", "0"];
        let child = self
            .command(&ports)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Starts `photos serve` on free ports, and waits until it listens. Its messages go to
    /// `errors.txt`.
    pub(crate) fn start(&mut self, arguments: &[&str]) {
        self.launch(arguments);
        let listening = self.data().join(".engine/serve.json");
        until("it listens", || {
            let child = self.child.as_mut().unwrap();
            if let Some(status) = child.try_wait().unwrap() {
                panic!("it ended with {status}: {}", self.messages());
            }
            // A killed process leaves this file behind, and the file contains the id of that
            // process.
            let running: Value = serde_json::from_slice(&std::fs::read(&listening).ok()?).ok()?;
            (running["pid"] == child.id()).then_some(())
        });
    }

    /// Runs a command of the `photos` binary in the same folder, until it ends.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run_to_end(self.command(arguments))
    }

    /// Runs a command of the `photos` binary in the same folder, with these environment variables.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        run_to_end(command)
    }

    /// Runs a command with this umask, through a shell.
    #[cfg(unix)]
    pub(crate) fn run_with_umask(&self, umask: &str, arguments: &[&str]) -> Output {
        let photos = self.command(arguments);
        let mut command = self.command(&[]);
        let environment: Vec<_> = command
            .get_envs()
            .map(|(name, value)| (name.to_owned(), value.map(std::borrow::ToOwned::to_owned)))
            .collect();
        command = Command::new("sh");
        command
            .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
            .arg(photos.get_program())
            .args(photos.get_args())
            .current_dir(self.folder.path());
        for (name, value) in environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        run_to_end(command)
    }

    /// Runs a command as a user who owns none of the files, if the tests run as root. Root may
    /// write to read-only folders. Any other user runs the command as itself.
    #[cfg(unix)]
    pub(crate) fn run_without_rights(&self, arguments: &[&str]) -> Output {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        const OTHER_USER: u32 = 65534;
        let mut command = self.command(arguments);
        if self.folder.path().metadata().unwrap().uid() == 0 {
            let open = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(self.folder.path(), open).unwrap();
            std::os::unix::process::CommandExt::uid(&mut command, OTHER_USER);
        }
        run_to_end(command)
    }

    /// Runs a command on external stores.
    pub(crate) fn run_elsewhere(&self, stores: &Elsewhere, arguments: &[&str]) -> Output {
        run_to_end(self.command_elsewhere(stores, arguments))
    }

    /// Starts `photos serve` on external stores, which it polls every second. Returns the URL of
    /// the gallery, and does not wait until the gallery listens.
    pub(crate) fn start_elsewhere(&mut self, stores: &Elsewhere) -> String {
        assert!(self.child.is_none(), "it runs already");
        // The port is free now. It is unlikely that another process uses it before the child does.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        let errors = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("errors.txt"))
            .unwrap();
        let arguments = ["serve", "--poll", "1", "--port", &port];
        let mut command = self.command_elsewhere(stores, &arguments);
        command.stdout(Stdio::null()).stderr(errors);
        self.child = Some(command.spawn().unwrap());
        format!("http://127.0.0.1:{port}")
    }

    /// Runs a command that uses only the tables of external stores, and no buckets.
    pub(crate) fn run_on_tables(&self, stores: &Elsewhere, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        stores.set_keys(&mut command);
        command.args(["--dynamodb-endpoint", &stores.dynamodb]);
        command.env("RENDITIONS", "none");
        run_to_end(command)
    }

    fn command_elsewhere(&self, stores: &Elsewhere, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        stores.set_keys(&mut command);
        command
            .args(["--s3-endpoint", &stores.s3])
            .args(["--dynamodb-endpoint", &stores.dynamodb])
            .env("RENDITIONS", "none");
        command
    }

    /// Runs a command that must succeed, and returns its standard output.
    pub(crate) fn output(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_photos"));
        command.args(arguments).current_dir(self.folder.path());
        for (name, _) in std::env::vars() {
            // The settings of the developer's own environment must not change the tests.
            if name.starts_with("PHOTO") || name.ends_with("_BUCKET") || name.ends_with("_PREFIX") {
                command.env_remove(name);
            }
        }
        for name in [
            "ALBUM_FOLDERS",
            "LOCATION",
            "ORIGINALS",
            "RENDITIONS",
            "RUST_LOG",
            "SIBLING_FOLDERS",
            "SKIP_NAMES",
        ] {
            command.env_remove(name);
        }
        command
            .env_remove("SOURCE_AFTER")
            .env_remove("ARCHIVE_STORAGE_CLASS");
        if !self.makes_pictures {
            command.env("RENDITIONS", "none");
        }
        command
    }

    /// Sends the signal of Ctrl-C, and waits until the process has stopped.
    pub(crate) fn interrupt(&mut self) {
        let mut child = self.child.take().unwrap();
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = until("it stops", || child.try_wait().unwrap());
        assert!(status.success(), "{status}: {}", self.messages());
    }

    /// Kills the process as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("photos-data")
    }

    /// Returns all messages that the process has printed so far.
    pub(crate) fn messages(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("errors.txt")).unwrap_or_default()
    }

    /// Returns the addresses and the key pair that the running process has written.
    pub(crate) fn running(&self) -> RunningServe {
        let running = std::fs::read(self.data().join(".engine/serve.json")).unwrap();
        serde_json::from_slice(&running).unwrap()
    }

    /// Returns the URL of the gallery of the running process.
    pub(crate) fn gallery(&self) -> String {
        self.running().gallery
    }

    pub(crate) fn s3(&self) -> Client {
        let running = self.running();
        let endpoints = Endpoints {
            s3: Some(running.s3),
            dynamodb: None,
        };
        let sdk = clients::with_key_pair(&running.access_key, &running.secret_key);
        clients::connect(&sdk, &endpoints).s3
    }

    pub(crate) async fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        let body = bytes.into().into();
        let request = self.s3().put_object().bucket("inbox").key(key).body(body);
        request.send().await.unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.gallery())
        };
        crate::http_client().get(url).send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// Waits until the gallery lists `count` photos. Returns the photos of all pages.
    pub(crate) async fn photos(&self, count: usize) -> Vec<Value> {
        self.photos_with(count, <[Value]>::len).await
    }

    /// Waits until the catalogue has `files` files of photos. Returns the photos of the gallery.
    ///
    /// A photo appears with its first file.
    pub(crate) async fn photos_of_files(&self, files: usize) -> Vec<Value> {
        let count_files = |photos: &[Value]| {
            let stems = photos.iter().map(|photo| photo["stem"].as_str().unwrap());
            stems.map(|stem| self.count_files(stem)).sum()
        };
        self.photos_with(files, count_files).await
    }

    /// Returns the number of files of a photo in the archive, as `photos show` prints them.
    fn count_files(&self, stem: &str) -> usize {
        let shown: Value = serde_json::from_str(&self.output(&["show", "--json", stem])).unwrap();
        let parts = shown["parts"].as_object().unwrap().values();
        parts.filter(|part| part["removed"] != true).count()
    }

    /// Waits until `measure` returns `expected` for the photos of the gallery. Returns these
    /// photos.
    async fn photos_with(
        &self,
        expected: usize,
        measure: impl Fn(&[Value]) -> usize,
    ) -> Vec<Value> {
        let start = Instant::now();
        loop {
            let photos = self.all_photos().await;
            let measured = measure(&photos);
            if measured == expected {
                // The photos may have changed while they were measured.
                return self.all_photos().await;
            }
            let messages = self.messages();
            assert!(
                start.elapsed() < MAX_WAIT,
                "{measured} photos or files, not {expected}\n{messages}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Returns the stems that `photos list` prints, in its order.
    pub(crate) fn listed_stems(&self) -> Vec<String> {
        let lines = self.output(&["list", "--json"]);
        let stems = lines.lines().map(|line| {
            let photo: Value = serde_json::from_str(line).unwrap();
            photo["stem"].as_str().unwrap().to_owned()
        });
        stems.collect()
    }

    /// Returns the photos that the gallery lists now, from all pages.
    pub(crate) async fn all_photos(&self) -> Vec<Value> {
        let (mut photos, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.json(&format!("/v1/photos?limit=200{cursor}")).await;
            photos.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return photos,
            }
        }
    }

    /// Waits until `photos skipped` lists `count` objects. Returns the reasons, by key.
    pub(crate) fn skipped(&self, count: usize) -> BTreeMap<String, String> {
        until("they are skipped", || {
            let lines = self.output(&["skipped", "--json"]);
            let skipped: BTreeMap<_, _> = lines
                .lines()
                .map(|line| {
                    let entry: Value = serde_json::from_str(line).unwrap();
                    let text = |name: &str| entry[name].as_str().unwrap().to_owned();
                    (text("key"), text("reason"))
                })
                .collect();
            (skipped.len() == count).then_some(skipped)
        })
    }

    /// Returns the size in bytes of every file in a bucket of the data folder, by key.
    pub(crate) fn tree(&self, bucket: &str) -> BTreeMap<String, u64> {
        files(&self.data().join(bucket))
    }
}

impl Drop for Photos {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs a command until it ends, and returns its output and status.
fn run_to_end(mut command: Command) -> Output {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(child.wait_with_output()));
    match receive.recv_timeout(MAX_WAIT) {
        Ok(output) => output.unwrap(),
        Err(_) => {
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
            let output = receive.recv().unwrap().unwrap();
            panic!("{command:?} did not end: {output:?}");
        }
    }
}

/// Returns the size in bytes of every file in a folder and its subfolders, by path.
pub(crate) fn files(root: &Path) -> BTreeMap<String, u64> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for entry in entries.map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry
                    .path()
                    .strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                files.insert(name, entry.metadata().unwrap().len());
            }
        }
    }
    files
}

/// Calls `poll` again and again until it returns a value. Returns this value. Panics after
/// [`MAX_WAIT`] with the text `what`.
pub(crate) fn until<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = poll() {
            return answer;
        }
        assert!(start.elapsed() < MAX_WAIT, "timed out waiting until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
