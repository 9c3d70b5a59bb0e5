//! Where the kernel is not asked.

use super::delays::Delays;
use super::why::Why;

pub(super) fn is_to_be_had() -> Result<(), Why> {
    Err(Why::NotLinux)
}

pub(super) fn is_on() -> Result<bool, Why> {
    Err(Why::NotLinux)
}

pub(super) fn of(_: u32) -> Result<Delays, Why> {
    Err(Why::NotLinux)
}

pub(super) fn of_this_thread() -> Result<Delays, Why> {
    Err(Why::NotLinux)
}

pub(super) fn proved_of_this_thread() -> Result<Delays, Why> {
    Err(Why::NotLinux)
}
