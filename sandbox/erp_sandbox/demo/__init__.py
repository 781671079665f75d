"""``python -m erp_sandbox.demo``: the pipelines of meltano.yml against the sandbox, to watch."""
