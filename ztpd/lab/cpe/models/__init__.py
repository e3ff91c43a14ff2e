"""The data models of the lab's CPEs, a file each: what ``ztpd.lab.cpe.model`` reads."""
