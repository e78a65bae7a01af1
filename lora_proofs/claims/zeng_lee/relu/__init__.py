"""ReLU networks with adapted biases: what adapters of given ranks reach, exactly or nearly."""
