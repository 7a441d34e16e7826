//! The flags of publish and its build hook, which several commands share.

use clap::Args;

use crate::config::{self, SettingsError};
use crate::publish::{BuildHook, HookError, HookRules};

/// The build hook.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct HookArguments {
    /// Where to POST when the site is to be built anew: a build hook of Netlify, Vercel or Cloudflare. A secret.
    #[arg(long, value_name = "URL", env = config::HOOK_URL, hide_env_values = true)]
    hook_url: Option<String>,
    /// Other hosts that it may be on, separated by commas.
    #[arg(long, value_name = "HOSTS", env = config::HOOK_HOSTS)]
    hook_hosts: Option<String>,
    /// Seconds without a new photo before it is called [default: 90].
    #[arg(long, value_name = "SECONDS", env = config::HOOK_QUIET_SECONDS)]
    hook_quiet_seconds: Option<String>,
    /// Seconds that a change waits for that at most [default: 900].
    #[arg(long, value_name = "SECONDS", env = config::HOOK_MAX_WAIT_SECONDS)]
    hook_max_wait_seconds: Option<String>,
    /// Least seconds between two calls [default: 600].
    #[arg(long, value_name = "SECONDS", env = config::HOOK_INTERVAL_SECONDS)]
    hook_interval_seconds: Option<String>,
    /// Most calls in 24 hours [default: 3].
    #[arg(long, value_name = "CALLS", env = config::HOOK_PER_DAY)]
    hook_per_day: Option<String>,
    /// Most calls in 31 days; a third of them may follow one another, the rest are spread [default: 18].
    #[arg(long, value_name = "CALLS", env = config::HOOK_PER_MONTH)]
    hook_per_month: Option<String>,
}

impl HookArguments {
    /// The hook, where one is set. With `loopback`, one on this machine will do.
    pub(super) fn hook(&self, loopback: bool) -> Result<Option<BuildHook>, HookError> {
        config::hook(|name| self.value(name), loopback)
    }

    /// Its limits.
    pub(super) fn rules(&self) -> Result<HookRules, SettingsError> {
        config::hook_rules(|name| self.value(name))
    }

    fn value(&self, name: &str) -> Option<String> {
        match name {
            config::HOOK_URL => self.hook_url.clone(),
            config::HOOK_HOSTS => self.hook_hosts.clone(),
            config::HOOK_QUIET_SECONDS => self.hook_quiet_seconds.clone(),
            config::HOOK_MAX_WAIT_SECONDS => self.hook_max_wait_seconds.clone(),
            config::HOOK_INTERVAL_SECONDS => self.hook_interval_seconds.clone(),
            config::HOOK_PER_DAY => self.hook_per_day.clone(),
            config::HOOK_PER_MONTH => self.hook_per_month.clone(),
            _ => None,
        }
    }
}
