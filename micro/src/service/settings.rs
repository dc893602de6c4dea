//! What can be set: each value, where it came from, and what it may be.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::client::Config;
use crate::transport::Limits;
use crate::{ContentType, Error, Result, codec, units};

/// Where a value came from; a later one beats an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(feature = "flags"), expect(dead_code, reason = "without flags, nothing comes from them"))]
pub(crate) enum Origin {
    Default,
    Code,
    Environment,
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Default => "default",
            Origin::Code => "code",
            Origin::Environment => "environment",
            Origin::Flag => "flag",
        })
    }
}

/// One row of the flag table.
#[cfg_attr(not(feature = "flags"), expect(dead_code, reason = "without flags, nothing shows the table"))]
pub(crate) struct Setting {
    /// `registry_address`: the flag `--registry_address` or `--registry-address`, the variable `MICRO_REGISTRY_ADDRESS`.
    pub(crate) name: &'static str,
    /// What it takes, for `--help`.
    pub(crate) takes: &'static str,
    /// Empty where there is none.
    pub(crate) default: &'static str,
    pub(crate) help: &'static str,
    check: fn(&str) -> std::result::Result<(), String>,
}

impl Setting {
    /// The environment variable.
    pub(crate) fn variable(&self) -> String {
        format!("MICRO_{}", self.name.to_ascii_uppercase())
    }
}

macro_rules! settings {
    ($($key:ident $name:literal $takes:literal $default:expr, $check:expr, $help:literal;)*) => {
        /// A row of [`SETTINGS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Key { $($key),* }

        /// The flag table.
        pub(crate) const SETTINGS: &[Setting] =
            &[$(Setting { name: $name, takes: $takes, default: $default, help: $help, check: $check }),*];

        const KEYS: &[Key] = &[$(Key::$key),*];
    };
}

const REGISTRY: &str = if cfg!(feature = "mdns") { "mdns" } else { "memory" };
const BROKER: &str = if cfg!(feature = "http") { "http" } else { "memory" };
const TRANSPORT: &str = if cfg!(feature = "http") { "http" } else { "memory" };

settings! {
    Registry "registry" "NAME" REGISTRY, any, "Where services find each other";
    RegistryAddress "registry_address" "ADDRESSES" "", any, "Addresses of the registry, comma-separated";
    Transport "transport" "NAME" TRANSPORT, any, "What carries calls";
    TransportAddress "transport_address" "ADDRESSES" "", any, "Addresses of what the transport runs over";
    Broker "broker" "NAME" BROKER, any, "What carries events";
    BrokerAddress "broker_address" "ADDRESSES" "", any, "Addresses of the broker, or where to listen";
    Selector "selector" "NAME" "p2c", any, "How a node is chosen for a call";
    ServerName "server_name" "TEXT" "", name, "Name of the service [default: the program's]";
    ServerVersion "server_version" "TEXT" "latest", some, "Version of the service";
    ServerId "server_id" "TEXT" "", some, "Id of the node [default: name and a UUID]";
    ServerAddress "server_address" "ADDRESS" ":0", some, "Where to listen: host:port, :port or [::]:port";
    ServerAdvertise "server_advertise" "ADDRESS" "", some,
        "What others connect to: host:port, host or auto:10.1.0.0/16 [default: address of the default route]";
    ServerMetadata "server_metadata" "PAIRS" "", pairs, "What is said of the node: k=v,k=v";
    RegisterTtl "register_ttl" "DURATION" "30s", positive, "How long a registration lasts";
    RegisterInterval "register_interval" "DURATION" "10s", positive, "How often it is renewed";
    ClientContentType "client_content_type" "TYPE" "auto", content_type,
        "How requests are written: a content type, or auto";
    ClientRequestTimeout "client_request_timeout" "DURATION" "5s", positive,
        "How long a call may take, all attempts together";
    ClientRetries "client_retries" "NUMBER" "1", number, "How often an attempt is repeated, where that is safe";
    ClientPoolSize "client_pool_size" "NUMBER" "100", number, "Idle connections kept per node";
    ClientPoolTtl "client_pool_ttl" "DURATION" "60s", positive, "How long an idle connection is kept";
    MaxMessageSize "max_message_size" "SIZE" "4MiB", positive_size, "The largest message, each way";
    MaxHeaderSize "max_header_size" "SIZE" "16KiB", positive_size, "The largest head of a message";
    MaxConnections "max_connections" "NUMBER" "10000", positive_number, "The most connections at a time";
    MaxStreams "max_streams" "NUMBER" "1024", positive_number, "The most calls at a time on one connection";
    HeaderTimeout "header_timeout" "DURATION" "10s", positive, "How long the head of a message may take";
    IdleTimeout "idle_timeout" "DURATION" "75s", duration,
        "How long a connection may be open without a call; 0 is for ever";
    StreamIdleTimeout "stream_idle_timeout" "DURATION" "0", duration,
        "How long a stream may be open without a message; 0 is for ever";
    DrainTimeout "drain_timeout" "DURATION" "30s", duration, "How long calls under way may take at the end";
    LogLevel "log_level" "LEVEL" "info", level, "trace, debug, info, warn, error or off";
    LogFormat "log_format" "FORMAT" "text", format, "text or json";
}

type Check = std::result::Result<(), String>;

fn any(_: &str) -> Check {
    Ok(())
}

fn some(text: &str) -> Check {
    if text.trim().is_empty() { Err("it is empty".to_owned()) } else { Ok(()) }
}

fn name(text: &str) -> Check {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.is_empty() || !text.chars().all(legal) {
        return Err(format!("\"{text}\" is no name of a service: write letters, digits, `-`, `_` and `.`"));
    }
    Ok(())
}

fn duration(text: &str) -> Check {
    units::duration(text).map(drop)
}

fn positive(text: &str) -> Check {
    match units::duration(text)? {
        Duration::ZERO => Err("it cannot be 0: write 500ms, 30s or 2m".to_owned()),
        _ => Ok(()),
    }
}

fn positive_size(text: &str) -> Check {
    match units::size(text)? {
        0 => Err("it cannot be 0: write 4MiB, 512KiB or a number of bytes".to_owned()),
        _ => Ok(()),
    }
}

fn number(text: &str) -> Check {
    let wrong = |_| format!("\"{text}\" is no number: write 0, 1, 2, …");
    text.parse::<u32>().map(drop).map_err(wrong)
}

fn positive_number(text: &str) -> Check {
    number(text)?;
    if text.parse() == Ok(0u32) { Err("it cannot be 0: write 1, 2, …".to_owned()) } else { Ok(()) }
}

fn pairs(text: &str) -> Check {
    read_pairs(text).map(drop)
}

fn read_pairs(text: &str) -> std::result::Result<BTreeMap<String, String>, String> {
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    let pair = |part: &str| match part.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err(format!("\"{part}\" is no pair: write k=v,k=v")),
    };
    parts.map(pair).collect()
}

fn content_type(text: &str) -> Check {
    let known: Vec<String> = codec::SERDE.iter().map(|name| (*name).to_owned()).chain(codec::linked()).collect();
    let name = ContentType::parse(text);
    if text == "auto" || known.iter().any(|known| known == name.as_str()) {
        return Ok(());
    }
    Err(format!("\"{text}\" is no content type that this program speaks: write auto or one of {}", known.join(", ")))
}

fn level(text: &str) -> Check {
    match text.to_ascii_lowercase().as_str() {
        "trace" | "debug" | "info" | "warn" | "error" | "off" => Ok(()),
        _ => Err(format!("\"{text}\" is no level: write trace, debug, info, warn, error or off")),
    }
}

fn format(text: &str) -> Check {
    match text {
        "text" | "json" => Ok(()),
        _ => Err(format!("\"{text}\" is no format: write text or json")),
    }
}

/// All values, and where each came from. Only checked values get in.
#[derive(Clone, Debug)]
pub(crate) struct Settings(Vec<Option<(String, Origin)>>);

impl Settings {
    /// The defaults.
    pub(crate) fn new() -> Self {
        Self(vec![None; SETTINGS.len()])
    }

    /// Sets a value, unless one of an origin that beats this one is there.
    ///
    /// # Errors
    /// A usage error that names the flag or variable, the value and what would be right.
    pub(crate) fn set(&mut self, key: Key, value: &str, origin: Origin) -> Result<()> {
        let setting = &SETTINGS[key as usize];
        if let Err(wrong) = (setting.check)(value) {
            return Err(Error::usage(match origin {
                Origin::Environment => format!("{}: {wrong}", setting.variable()),
                Origin::Flag => format!("--{}: {wrong}", setting.name),
                Origin::Code | Origin::Default => format!("{}: {wrong}", setting.name),
            }));
        }
        let slot = &mut self.0[key as usize];
        if slot.as_ref().is_none_or(|(_, old)| *old <= origin) {
            *slot = Some((value.to_owned(), origin));
        }
        Ok(())
    }

    /// Takes what the environment says. A variable that is set to nothing says nothing.
    ///
    /// # Errors
    /// As [`Settings::set`].
    pub(crate) fn read_environment(&mut self, get: impl Fn(&str) -> Option<String>) -> Result<()> {
        for key in KEYS {
            let value = get(&SETTINGS[*key as usize].variable());
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                self.set(*key, &value, Origin::Environment)?;
            }
        }
        Ok(())
    }

    /// Takes what the command line says: a value for each row of the table.
    ///
    /// # Errors
    /// As [`Settings::set`].
    #[cfg(feature = "flags")]
    pub(crate) fn read_flags(&mut self, values: &[Option<String>]) -> Result<()> {
        for (key, value) in KEYS.iter().zip(values) {
            if let Some(value) = value {
                self.set(*key, value, Origin::Flag)?;
            }
        }
        Ok(())
    }

    pub(crate) fn get(&self, key: Key) -> &str {
        self.0[key as usize].as_ref().map_or(SETTINGS[key as usize].default, |(value, _)| value)
    }

    pub(crate) fn origin(&self, key: Key) -> Origin {
        self.0[key as usize].as_ref().map_or(Origin::Default, |(_, origin)| *origin)
    }

    /// The value, where there is one.
    pub(crate) fn text(&self, key: Key) -> Option<&str> {
        Some(self.get(key)).filter(|value| !value.is_empty())
    }

    pub(crate) fn list(&self, key: Key) -> Vec<String> {
        let parts = self.get(key).split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    pub(crate) fn duration(&self, key: Key) -> Duration {
        units::duration(self.get(key)).expect("it was checked when it was set")
    }

    fn size(&self, key: Key) -> usize {
        units::size(self.get(key)).expect("it was checked when it was set")
    }

    fn number(&self, key: Key) -> u32 {
        self.get(key).parse().expect("it was checked when it was set")
    }

    pub(crate) fn pairs(&self, key: Key) -> BTreeMap<String, String> {
        read_pairs(self.get(key)).expect("it was checked when it was set")
    }

    pub(crate) fn limits(&self) -> Limits {
        let stream_idle = self.duration(Key::StreamIdleTimeout);
        Limits {
            max_message_size: self.size(Key::MaxMessageSize),
            max_header_size: self.size(Key::MaxHeaderSize),
            max_connections: self.number(Key::MaxConnections) as usize,
            max_streams: self.number(Key::MaxStreams) as usize,
            header_timeout: self.duration(Key::HeaderTimeout),
            idle_timeout: self.duration(Key::IdleTimeout),
            stream_idle_timeout: Some(stream_idle).filter(|limit| !limit.is_zero()),
        }
    }

    pub(crate) fn client(&self) -> Config {
        let content_type = Some(self.get(Key::ClientContentType)).filter(|name| *name != "auto");
        Config {
            request_timeout: self.duration(Key::ClientRequestTimeout),
            retries: self.number(Key::ClientRetries),
            content_type: content_type.map(ContentType::parse),
            pool_size: self.number(Key::ClientPoolSize) as usize,
            pool_ttl: self.duration(Key::ClientPoolTtl),
            limits: self.limits(),
            ..Config::default()
        }
    }

    /// Every value with its origin, a line each: what `--print-config` shows.
    pub(crate) fn print(&self) -> String {
        let row = |key: &Key| {
            let setting = &SETTINGS[*key as usize];
            let origin = match self.origin(*key) {
                Origin::Environment => format!("environment ({})", setting.variable()),
                Origin::Flag => format!("flag (--{})", setting.name),
                origin => origin.to_string(),
            };
            format!("{:<24}{:<24}{origin}\n", setting.name, self.text(*key).unwrap_or("-"))
        };
        KEYS.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_passes_its_own_check() {
        for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
            assert_eq!((setting.check)(setting.default), Ok(()), "{}", setting.name);
        }
        let settings = Settings::new();
        assert_eq!(settings.limits(), Limits::default());
        let (ours, theirs) = (settings.client(), Config::default());
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }

    #[test]
    fn flag_beats_environment_beats_code_beats_default() {
        let mut settings = Settings::new();
        assert_eq!((settings.get(Key::RegisterTtl), settings.origin(Key::RegisterTtl)), ("30s", Origin::Default));
        settings.set(Key::RegisterTtl, "3s", Origin::Flag).unwrap();
        settings.read_environment(|name| (name == "MICRO_REGISTER_TTL").then(|| "2s".to_owned())).unwrap();
        settings.set(Key::RegisterTtl, "1s", Origin::Code).unwrap();
        assert_eq!((settings.get(Key::RegisterTtl), settings.origin(Key::RegisterTtl)), ("3s", Origin::Flag));
        assert!(settings.print().contains("register_ttl            3s                      flag (--register_ttl)\n"));
    }

    #[test]
    fn a_wrong_value_names_where_it_stands_and_what_is_right() {
        let mut settings = Settings::new();
        let error = settings.set(Key::RegisterTtl, "soon", Origin::Flag).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--register_ttl: \"soon\" is no duration: write 500ms, 30s or 2m; a bare number is seconds"
        );
        assert!(error.is_usage());
        let wrong = |name: &str| (name == "MICRO_MAX_STREAMS").then(|| "0".to_owned());
        let error = settings.read_environment(wrong).unwrap_err();
        assert_eq!(error.to_string(), "MICRO_MAX_STREAMS: it cannot be 0: write 1, 2, …");
        for (key, value) in [
            (Key::ServerMetadata, "a"),
            (Key::LogLevel, "loud"),
            (Key::ClientContentType, "text/x"),
            (Key::MaxMessageSize, "0"),
            (Key::ServerName, "a b"),
        ] {
            assert!(settings.set(key, value, Origin::Code).is_err(), "{value}");
        }
    }
}
