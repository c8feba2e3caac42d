module bastion-operator.dev/bastion-image/entrypoint

go 1.25
