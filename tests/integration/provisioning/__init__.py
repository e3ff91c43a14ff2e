"""The provisioner, the PON listener and the inbox: lab OLTs on sockets, a real store, real time made short."""
