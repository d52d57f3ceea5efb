//! Messages for errors of the operating system.

use std::io;

/// Describes an operating system error on one line, without "(os error 98)".
pub(super) fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::AddrNotAvailable => "no such address on this machine".to_owned(),
        io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => error.to_string().replace('\n', " "),
    }
}
