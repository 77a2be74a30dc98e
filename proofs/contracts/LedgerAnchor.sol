// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Heads of transparency logs, on a chain. Each sender has a head per log of its own, so that nobody can stand in the way
/// of anybody else; whose heads count is for the verifier to say. The contract has no owner, holds no money and cannot be
/// changed.
contract LedgerAnchor {
    struct Head {
        uint64 treeSize;
        bytes32 root;
    }

    /// `expectedSize` is not the size of the sender's head: another anchor came first.
    error StaleHead(uint64 treeSize);
    /// The tree does not grow.
    error NotMonotone(uint64 treeSize);
    /// Another root for the size that the head has: the sender shows two histories of one log.
    error Fork(bytes32 root);

    event Anchored(address indexed sender, bytes32 indexed logId, uint64 treeSize, bytes32 root);

    mapping(address => mapping(bytes32 => Head)) private heads;
    mapping(bytes32 => uint256) private times;

    /// Sets the sender's head of a log, if it still is at `expectedSize`.
    /// @param logId SHA-256 of the log's origin
    /// @param expectedSize tree size of the head that is to be replaced; 0 when there is none
    /// @param treeSize number of entries; above that of the head
    /// @param root RFC 6962 root over them
    function anchor(bytes32 logId, uint64 expectedSize, uint64 treeSize, bytes32 root) external {
        Head storage present = heads[msg.sender][logId];
        uint64 size = present.treeSize;
        if (treeSize == size && size != 0 && root != present.root) revert Fork(present.root);
        if (expectedSize != size) revert StaleHead(size);
        if (treeSize <= size) revert NotMonotone(size);
        present.treeSize = treeSize;
        present.root = root;
        times[keyOf(msg.sender, logId, treeSize, root)] = block.timestamp;
        emit Anchored(msg.sender, logId, treeSize, root);
    }

    /// The newest tree that `sender` anchored of a log; all zero when it never did.
    function head(address sender, bytes32 logId) external view returns (uint64 treeSize, bytes32 root) {
        Head storage present = heads[sender][logId];
        return (present.treeSize, present.root);
    }

    /// When `sender` anchored this tree, in seconds since the Unix epoch; 0 when it never did.
    function anchoredAt(address sender, bytes32 logId, uint64 treeSize, bytes32 root) external view returns (uint256) {
        return times[keyOf(sender, logId, treeSize, root)];
    }

    /// Whether `leaf` (the leaf hash) stands at `index` in the tree of `treeSize` entries with this root: RFC 9162 section
    /// 2.1.3.2. It says nothing about who anchored the root: ask `anchoredAt` too.
    function verifyInclusion(bytes32 leaf, uint64 index, uint64 treeSize, bytes32[] calldata path, bytes32 root)
        external
        view
        returns (bool)
    {
        if (index >= treeSize) return false;
        uint256 node = index;
        uint256 last = treeSize - 1;
        bytes32 hash = leaf;
        for (uint256 i = 0; i < path.length; ++i) {
            if (last == 0) return false;
            if (node & 1 == 1 || node == last) {
                hash = nodeHash(path[i], hash);
                // A node without a sibling stands for its parent as well.
                while (node & 1 == 0 && node != 0) {
                    node >>= 1;
                    last >>= 1;
                }
            } else {
                hash = nodeHash(hash, path[i]);
            }
            node >>= 1;
            last >>= 1;
        }
        return last == 0 && hash == root;
    }

    function keyOf(address sender, bytes32 logId, uint64 treeSize, bytes32 root) private pure returns (bytes32) {
        return keccak256(abi.encode(sender, logId, treeSize, root));
    }

    /// SHA-256(0x01 || left || right) by the precompile at address 2, from scratch memory: the high-level call allocates
    /// for each node, which costs more than the hash.
    function nodeHash(bytes32 left, bytes32 right) private view returns (bytes32 result) {
        bool done;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 1)
            mstore(add(free, 1), left)
            mstore(add(free, 33), right)
            done := staticcall(gas(), 2, free, 65, 0, 32)
            result := mload(0)
        }
        // Only a call without enough gas fails, and its caller must not read that as an answer.
        require(done);
    }
}
