"""Situations that `make doctor` must name, each made for real: hosts in network namespaces with a
real sshd between them, bare servers, and this project's stack broken on purpose."""
