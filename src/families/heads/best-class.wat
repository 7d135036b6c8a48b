;; Compares the scores of one class with the best so far, cell by cell, four cells a round.
;;
;; $scores  of this class (f32), a multiple of four cells
;; $best    best score of each cell so far (f32), and $ids the class it belongs to (i32); both are updated
;; $cells   how many
;; $id      of this class
(module
  (memory (export "memory") 1)
  (func (export "keepBest")
    (param $scores i32) (param $best i32) (param $ids i32) (param $cells i32) (param $id i32)
    (local $end i32) (local $score v128) (local $least v128) (local $better v128)
    (local.set $end (i32.add (local.get $scores) (i32.shl (local.get $cells) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $scores) (local.get $end)))
        (local.set $score (v128.load (local.get $scores)))
        (local.set $least (v128.load (local.get $best)))
        (local.set $better (f32x4.gt (local.get $score) (local.get $least)))
        (v128.store (local.get $best)
          (v128.bitselect (local.get $score) (local.get $least) (local.get $better)))
        (v128.store (local.get $ids)
          (v128.bitselect
            (i32x4.splat (local.get $id)) (v128.load (local.get $ids)) (local.get $better)))
        (local.set $scores (i32.add (local.get $scores) (i32.const 16)))
        (local.set $best (i32.add (local.get $best) (i32.const 16)))
        (local.set $ids (i32.add (local.get $ids) (i32.const 16)))
        (br $next))))
  ;; Writes the numbers of the cells that have a class (i32), one after the other, and returns how many there are.
  (func (export "cellsWithClass") (param $ids i32) (param $cells i32) (param $out i32) (result i32)
    (local $cell i32) (local $first i32)
    (local.set $first (local.get $out))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $cell) (local.get $cells)))
        (if (i32.ge_s (i32.load (i32.add (local.get $ids) (i32.shl (local.get $cell) (i32.const 2)))) (i32.const 0))
          (then
            (i32.store (local.get $out) (local.get $cell))
            (local.set $out (i32.add (local.get $out) (i32.const 4)))))
        (local.set $cell (i32.add (local.get $cell) (i32.const 1)))
        (br $next)))
    (i32.shr_u (i32.sub (local.get $out) (local.get $first)) (i32.const 2))))
