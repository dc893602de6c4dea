//! The `.proto` of a service: what `--proto` prints.

use std::fmt::Write;

use super::describe::{FieldType, Item, Member, Reserved, Types};
use crate::endpoint::Definition;
use crate::schema::{Described, Shape};
use crate::server::About;
use crate::{Error, Result};

const PROTOBUF: &str = "application/protobuf";

/// The file of a service with that name in the registry.
///
/// # Errors
/// [`Code::FailedPrecondition`](crate::Code::FailedPrecondition) when no endpoint speaks protobuf, and when two types
/// have one name.
pub(crate) fn file(name: &str, abouts: &[About], endpoints: &[&'static Definition]) -> Result<String> {
    let mut types = Types::default();
    let mut services = String::new();
    let mut count = 0;
    let mut silent = Vec::new();
    for about in abouts {
        let own =
            |endpoint: &&&Definition| endpoint.name.split_once('.').is_some_and(|(service, _)| service == about.name);
        comment(&mut services, "", about.docs);
        let _ = writeln!(services, "service {} {{", about.name);
        for (at, endpoint) in endpoints.iter().filter(own).enumerate() {
            let method = &endpoint.name[about.name.len() + 1..];
            if at > 0 {
                services.push('\n');
            }
            comment(&mut services, "  ", endpoint.docs);
            match (message(&mut types, &endpoint.request), message(&mut types, &endpoint.response)) {
                (Ok(request), Ok(response)) => {
                    count += 1;
                    let options = options(endpoint);
                    let end = if options.is_empty() { ";".to_owned() } else { format!(" {{\n{options}  }}") };
                    let many = |streams| if streams { "stream " } else { "" };
                    let (sent, given) = (many(endpoint.kind.streams_requests()), many(endpoint.kind.streams_replies()));
                    let _ = writeln!(services, "  rpc {method}({sent}{request}) returns ({given}{response}){end}");
                }
                (Err(reason), _) | (_, Err(reason)) => {
                    let _ = writeln!(services, "  // {method} does not speak protobuf: {reason}.");
                    silent.push(format!("{}: {reason}", endpoint.name));
                }
            }
        }
        services.push_str("}\n\n");
    }
    if count == 0 && !silent.is_empty() {
        return Err(Error::failed_precondition(format!("no endpoint speaks protobuf: {}", silent.join("; "))));
    }
    types.clashes.extend(
        types
            .items
            .iter()
            .filter(|(name, _)| abouts.iter().any(|about| about.name == name))
            .map(|(name, _)| format!("a service and a message are both `{name}`")),
    );
    if let Some(clash) = types.clashes.first() {
        return Err(Error::failed_precondition(format!(
            "{clash} in the .proto: give one another name by `#[proto(name = \"…\")]`"
        )));
    }
    let mut file = format!("syntax = \"proto3\";\n\npackage {};\n\n", package(name));
    for import in &types.imports {
        let _ = writeln!(file, "import \"{import}\";");
    }
    if !types.imports.is_empty() {
        file.push('\n');
    }
    file.push_str(&services);
    for (name, item) in &types.items {
        write_item(&mut file, name, item);
        file.push('\n');
    }
    file.truncate(file.trim_end().len());
    file.push('\n');
    Ok(file)
}

/// A package by the name of a service: `go.micro.srv.greeter`, `my_greeter`.
fn package(name: &str) -> String {
    let part = |part: &str| {
        let part: String = part.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if part.starts_with(|c: char| c.is_ascii_digit()) { format!("_{part}") } else { part }
    };
    let parts: Vec<String> = name.split('.').filter(|text| !text.is_empty()).map(part).collect();
    if parts.is_empty() { "micro".to_owned() } else { parts.join(".") }
}

/// The name of a message, or why there is none.
fn message(types: &mut Types, described: &Described) -> Result<String, String> {
    if matches!(described.shape, Shape::Empty) {
        types.import("google/protobuf/empty.proto");
        return Ok("google.protobuf.Empty".to_owned());
    }
    let speaks = described.content_types.contains(&PROTOBUF);
    if let (true, Some(text)) = (speaks, described.wrapped) {
        return Ok(text(types).name);
    }
    // What it is made of tells what is missing; none of it is printed.
    let mut apart = Types::default();
    match described.proto {
        Some(describe) if !speaks => {
            describe(&mut apart);
            let fields: Vec<String> = apart.unknown.iter().map(|field| format!("`{field}`")).collect();
            Err(format!("{} has no form for {}", described.name, fields.join(" and ")))
        }
        _ if speaks => Err(format!("the .proto of {} is not known here", described.name)),
        _ => Err(format!("{} is no message of protobuf", described.name)),
    }
}

fn options(endpoint: &Definition) -> String {
    let mut options = String::new();
    if endpoint.deprecated {
        options.push_str("    option deprecated = true;\n");
    }
    if endpoint.policy.idempotent {
        options.push_str("    option idempotency_level = IDEMPOTENT;\n");
    }
    options
}

fn comment(file: &mut String, indent: &str, docs: &str) {
    for line in docs.lines() {
        let _ = writeln!(file, "{}", format!("{indent}// {line}").trim_end());
    }
}

fn write_item(file: &mut String, name: &str, item: &Item) {
    match item {
        Item::Message(message) => {
            comment(file, "", &message.docs);
            let _ = writeln!(file, "message {name} {{");
            reserved(file, &message.reserved, "536870911");
            let mut indent = "  ".to_owned();
            for member in &message.members {
                match member {
                    Member::Field { number, name, json, docs, deprecated, ty } => {
                        comment(file, &indent, docs);
                        let FieldType { label, name: ty, unpacked, .. } = ty;
                        let space = if label.is_empty() { "" } else { " " };
                        let json = json.as_ref().map(|json| format!("json_name = \"{json}\"")).unwrap_or_default();
                        let options = [
                            ("packed = false", *unpacked),
                            ("deprecated = true", *deprecated),
                            (json.as_str(), !json.is_empty()),
                        ];
                        let options = list(&options);
                        let _ = writeln!(file, "{indent}{label}{space}{ty} {name} = {number}{options};");
                    }
                    Member::Oneof(name) => {
                        let _ = writeln!(file, "{indent}oneof {name} {{");
                        indent.push_str("  ");
                    }
                    Member::End => {
                        indent.truncate(2);
                        let _ = writeln!(file, "{indent}}}");
                    }
                }
            }
        }
        Item::Enum { docs, values, reserved: kept } => {
            comment(file, "", docs);
            let _ = writeln!(file, "enum {name} {{");
            reserved(file, kept, "2147483647");
            for value in values {
                comment(file, "  ", &value.docs);
                let options = list(&[("deprecated = true", value.deprecated)]);
                let _ = writeln!(file, "  {} = {}{options};", value.name, value.number);
            }
        }
        Item::Begun => return,
    }
    file.push_str("}\n");
}

fn list(options: &[(&str, bool)]) -> String {
    let said: Vec<&str> = options.iter().filter(|(_, said)| *said).map(|(option, _)| *option).collect();
    if said.is_empty() { String::new() } else { format!(" [{}]", said.join(", ")) }
}

fn reserved(file: &mut String, reserved: &Reserved, max: &str) {
    let numbers: Vec<String> = reserved
        .numbers
        .iter()
        .map(|(first, last)| match (first == last, last.to_string() == max) {
            (true, _) => first.to_string(),
            (false, true) => format!("{first} to max"),
            (false, false) => format!("{first} to {last}"),
        })
        .collect();
    if !numbers.is_empty() {
        let _ = writeln!(file, "  reserved {};", numbers.join(", "));
    }
    let names: Vec<String> = reserved.names.iter().map(|name| format!("\"{name}\"")).collect();
    if !names.is_empty() {
        let _ = writeln!(file, "  reserved {};", names.join(", "));
    }
}
