//! HTTP statuses: the one table from a code to the status of its answer.

use axum::http::StatusCode;

use crate::error::Code;

/// The status of a refusal with this code.
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

/// The status of a refusal by authentication: an account that may not call at all is forbidden to, where the same code
/// of an action is about what the action asks for (our choice: the text of this refusal was recorded, its status was not).
pub(super) const fn status_of_authentication(code: Code) -> StatusCode {
    match code {
        Code::AccessFailure => StatusCode::FORBIDDEN,
        other => status(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_the_service_and_only_they_are_server_errors() {
        for code in Code::ALL {
            assert_eq!(status(*code).is_server_error(), code.is_fault_of_service(), "{code}");
        }
    }
}
