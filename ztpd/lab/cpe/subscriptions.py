"""What the network lets a CPE have: PPPoE sessions and telephone lines come up where user and password are right. Pure.

Which parameters those are is in the model; who has which password is in the lab's accounts.
"""

from collections.abc import Mapping

from ztpd.lab.cpe.model import Subscription
from ztpd.lab.cpe.state import CpeState

_ON = frozenset({"1", "true", "enabled"})


def follow(state: CpeState) -> None:
    """Have the status of every session and line say what comes of the values that are set now.

    One of which the settings' ``parameters`` give anything is left alone.
    """
    for subscription in state.tree.model.subscriptions:
        for path in state.tree.paths_of(subscription.table):
            if any(path + name in state.settings.parameters for name in subscription.works):
                continue
            for name, text in _shown(state, subscription, path).items():
                state.device_sets(path + name, text)


def _shown(state: CpeState, subscription: Subscription, path: str) -> Mapping[str, str]:
    enabled = state.tree.get(path + subscription.enable).lower() in _ON
    user, password = state.tree.get(path + subscription.user), state.tree.get(path + subscription.password)
    if not enabled or not user:
        return subscription.off
    let_in = state.settings.accounts.accept(subscription.kind, user, password)
    return subscription.works if let_in else subscription.refused
