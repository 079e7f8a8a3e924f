//! Failures as the TypeScript side reports them.

use core::fmt;

/// The codes of `SmaltiError` that an engine may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Corrupt,
    Unsupported,
    TooLarge,
}

impl Code {
    /// As `SmaltiError.code` has it.
    pub fn name(self) -> &'static str {
        match self {
            Code::Corrupt => "CORRUPT",
            Code::Unsupported => "UNSUPPORTED",
            Code::TooLarge => "TOO_LARGE",
        }
    }
}

/// A failure: its code, and the text that the TypeScript engine gives for the same input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub code: Code,
    pub message: String,
}

impl Error {
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self {
            code: Code::Corrupt,
            message: message.into(),
        }
    }

    pub fn unsupported(message: impl Into<String>) -> Self {
        Self {
            code: Code::Unsupported,
            message: message.into(),
        }
    }

    pub fn too_large(message: impl Into<String>) -> Self {
        Self {
            code: Code::TooLarge,
            message: message.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for Error {}

pub type Result<T> = core::result::Result<T, Error>;
