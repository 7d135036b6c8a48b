;; One row of an 8-bit RGB picture, resized across and down in OpenCV's fixed-point arithmetic: one pixel a round,
;; its three channels in the lanes of a vector.
;;
;; $top, $bottom  the two source rows, three bytes a pixel; one byte behind them may be read
;; $columns       twelve bytes for each pixel of the result: byte offsets of its left and right source pixel (i32),
;;                their weights (i16), 2048 together
;; $width         pixels of the result
;; $above, $below weights of the two rows, 2048 together
;; $out           the result, three bytes a pixel; one byte behind it is written
(module
  (memory (export "memory") 1)
  (func (export "row")
    (param $top i32) (param $bottom i32) (param $columns i32) (param $width i32)
    (param $above i32) (param $below i32) (param $out i32)
    (local $end i32) (local $left i32) (local $right i32) (local $weights v128) (local $sum v128)
    (local.set $end (i32.add (local.get $columns) (i32.mul (local.get $width) (i32.const 12))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $columns) (local.get $end)))
        (local.set $left (i32.load (local.get $columns)))
        (local.set $right (i32.load offset=4 (local.get $columns)))
        (local.set $weights (v128.load32_splat offset=8 (local.get $columns)))
        ;; Four bits of fraction are dropped across, so that the product down fits 32 bits, and both products are
        ;; cut to whole numbers before they are added. The same lines stand for both rows: a call costs as much.
        (local.set $sum
          (i32x4.add
            (i32x4.shr_s
              (i32x4.mul
                (i32x4.shr_s
                  (i32x4.dot_i16x8_s
                    (i16x8.extend_low_i8x16_u
                      (i8x16.shuffle 0 16 1 17 2 18 3 19 0 0 0 0 0 0 0 0
                        (v128.load32_zero (i32.add (local.get $top) (local.get $left)))
                        (v128.load32_zero (i32.add (local.get $top) (local.get $right)))))
                    (local.get $weights))
                  (i32.const 4))
                (i32x4.splat (local.get $above)))
              (i32.const 16))
            (i32x4.shr_s
              (i32x4.mul
                (i32x4.shr_s
                  (i32x4.dot_i16x8_s
                    (i16x8.extend_low_i8x16_u
                      (i8x16.shuffle 0 16 1 17 2 18 3 19 0 0 0 0 0 0 0 0
                        (v128.load32_zero (i32.add (local.get $bottom) (local.get $left)))
                        (v128.load32_zero (i32.add (local.get $bottom) (local.get $right)))))
                    (local.get $weights))
                  (i32.const 4))
                (i32x4.splat (local.get $below)))
              (i32.const 16))))
        (local.set $sum (i32x4.shr_s (i32x4.add (local.get $sum) (i32x4.splat (i32.const 2))) (i32.const 2)))
        (local.set $sum (i16x8.narrow_i32x4_s (local.get $sum) (local.get $sum)))
        (v128.store32_lane 0 (local.get $out) (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum)))
        (local.set $columns (i32.add (local.get $columns) (i32.const 12)))
        (local.set $out (i32.add (local.get $out) (i32.const 3)))
        (br $next)))))
