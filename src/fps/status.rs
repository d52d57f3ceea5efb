//! The HTTP status of each error code.

use axum::http::StatusCode;

use crate::error::Code;

/// The status of an error response with this code.
pub const fn status(code: Code) -> StatusCode {
    match code {
        Code::AuthFailure => StatusCode::UNAUTHORIZED,
        Code::InvalidClientTokenId | Code::MissingAuthenticationToken | Code::SignatureDoesNotMatch => {
            StatusCode::FORBIDDEN
        }
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Code::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
        Code::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// The status of an error of authentication. `AccessFailure` means there that the account may not call the service at all;
/// as an error of an action it is about the action's object (our choice: the text was recorded, its status was not).
pub(super) const fn status_of_authentication(code: Code) -> StatusCode {
    match code {
        Code::AccessFailure => StatusCode::FORBIDDEN,
        other => status(other),
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;

    #[test]
    fn faults_of_the_service_and_only_they_are_server_errors() {
        for code in Code::VARIANTS {
            assert_eq!(status(*code).is_server_error(), code.is_server_error(), "{code}");
        }
    }
}
