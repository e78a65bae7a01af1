"""``python -m lora_proofs`` is the command ``lora-proofs``."""

from lora_proofs.cli import main

if __name__ == "__main__":
    main()
