//! The command line of a service.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::settings::SETTINGS;
use crate::{Error, Result};

/// The flags that every service has, to be flattened into a program's own.
///
/// ```
/// #[derive(clap::Parser)]
/// struct Cli {
///     #[command(flatten)]
///     micro: micro::Flags,
///     /// Call the greeter instead of being one.
///     #[arg(long = "run_client", alias = "run-client")]
///     run_client: bool,
/// }
///
/// let cli = <Cli as clap::Parser>::parse_from(["greeter", "--registry=memory", "--run-client"]);
/// assert!(cli.run_client);
/// let service = micro::Service::new("greeter").flags(cli.micro)?;
/// # Ok::<(), micro::Error>(())
/// ```
///
/// Values are checked by [`Service::flags`](crate::Service::flags), together with those of the environment.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// In the order of the table.
    pub(crate) values: Vec<Option<String>>,
    pub(crate) print_config: bool,
    pub(crate) plugins: bool,
    #[cfg(feature = "protobuf")]
    pub(crate) proto: bool,
}

const PRINT_CONFIG: &str = "micro_print_config";
const PLUGINS: &str = "micro_plugins";
#[cfg(feature = "protobuf")]
const PROTO: &str = "micro_proto";

impl Flags {
    /// Reads the arguments of a program that has no flags of its own.
    ///
    /// `--help` and `--version` print and end the process.
    pub(crate) fn read(name: &str, version: &str, arguments: impl IntoIterator<Item = OsString>) -> Result<Self> {
        let name = name.to_owned();
        let command = Command::new(name.clone()).bin_name(name).version(version.to_owned());
        match <Self as clap::Args>::augment_args(command).try_get_matches_from(arguments) {
            Ok(matches) => Ok(Self::from(&matches)),
            Err(error) if error.use_stderr() => {
                let text = error.to_string();
                Err(Error::usage(text.strip_prefix("error: ").unwrap_or(&text).trim_end()))
            }
            Err(answer) => answer.exit(),
        }
    }
}

impl From<&ArgMatches> for Flags {
    fn from(matches: &ArgMatches) -> Self {
        let value = |name: &str| matches.try_get_one::<String>(name).ok().flatten().cloned();
        let flag = |name: &str| matches.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or_default();
        Self {
            values: SETTINGS.iter().map(|setting| value(setting.name)).collect(),
            print_config: flag(PRINT_CONFIG),
            plugins: flag(PLUGINS),
            #[cfg(feature = "protobuf")]
            proto: flag(PROTO),
        }
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self::from(matches))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from(matches);
        Ok(())
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let settings = SETTINGS.iter().map(|setting| {
            let mut help = setting.help.to_owned();
            if !setting.default.is_empty() {
                help = format!("{help} [default: {}]", setting.default);
            }
            let argument = Arg::new(setting.name)
                .long(setting.name)
                .value_name(setting.takes)
                .help(format!("{help} [env: {}]", setting.variable()))
                .help_heading("Micro")
                .allow_hyphen_values(true)
                .overrides_with(setting.name);
            // Both spellings work; help shows one.
            if setting.name.contains('_') { argument.alias(setting.name.replace('_', "-")) } else { argument }
        });
        let switch = |id: &'static str, long: &'static str, alias: Option<&'static str>, help: &'static str| {
            let argument = Arg::new(id).long(long).action(ArgAction::SetTrue).help(help).help_heading("Micro");
            alias.into_iter().fold(argument, Arg::alias)
        };
        let command = command
            .args(settings)
            .arg(switch(PRINT_CONFIG, "print-config", Some("print_config"), "Show every value and where it came from"))
            .arg(switch(PLUGINS, "plugins", None, "List the plugins that are linked into this program"));
        #[cfg(feature = "protobuf")]
        let command = command.arg(switch(PROTO, "proto", None, "Print the .proto of this service"));
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Flags> {
        Flags::read("greeter", "latest", std::iter::once(&"greeter").chain(arguments).map(OsString::from))
    }

    #[test]
    fn dashes_and_underscores_are_the_same() {
        for spelling in ["--registry_address=lo", "--registry-address=lo"] {
            let flags = read(&[spelling]).unwrap();
            assert_eq!(flags.values.iter().flatten().collect::<Vec<_>>(), ["lo"], "{spelling}");
        }
        assert!(read(&["--print_config"]).unwrap().print_config);
        assert!(read(&["--print-config"]).unwrap().print_config);
    }

    #[test]
    fn an_unknown_flag_is_a_usage_error_with_a_tip() {
        let error = read(&["--regitry=mdns"]).unwrap_err();
        assert!(error.is_usage());
        assert!(error.to_string().starts_with("unexpected argument '--regitry' found"), "{error}");
        assert!(error.to_string().contains("'--registry'"), "{error}");
    }

    #[test]
    fn the_flags_make_a_valid_command() {
        <Flags as clap::Args>::augment_args(Command::new("greeter")).debug_assert();
    }
}
