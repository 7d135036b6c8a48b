;; One row of an 8-bit RGB picture, resized across and down in OpenCV's fixed-point arithmetic: one pixel a round,
;; its three channels in the lanes of a vector.
;;
;; $top, $bottom  the two source rows, three bytes a pixel; one byte behind them may be read
;; $columns       four lists (i32), one after the other, of a number for each pixel of the result: its left and right
;;                pixel in the source, and their weights, 2048 together
;; $width         pixels of the result
;; $above, $below weights of the two rows, 2048 together
;; $out           the result, three bytes a pixel; one byte behind it is written
(module
  (memory (export "memory") 1)
  (func (export "row")
    (param $top i32) (param $bottom i32) (param $columns i32) (param $width i32)
    (param $above i32) (param $below i32) (param $out i32)
    (local $end i32) (local $list i32) (local $left i32) (local $right i32) (local $weights v128) (local $sum v128)
    (local.set $list (i32.shl (local.get $width) (i32.const 2)))
    (local.set $end (i32.add (local.get $columns) (local.get $list)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $columns) (local.get $end)))
        (local.set $left (i32.mul (i32.load (local.get $columns)) (i32.const 3)))
        (local.set $right
          (i32.mul (i32.load (i32.add (local.get $columns) (local.get $list))) (i32.const 3)))
        ;; A pair of 16-bit numbers in every lane, as the products of pairs below want them.
        (local.set $weights
          (i32x4.splat
            (i32.or
              (i32.load (i32.add (local.get $columns) (i32.mul (local.get $list) (i32.const 2))))
              (i32.shl
                (i32.load (i32.add (local.get $columns) (i32.mul (local.get $list) (i32.const 3))))
                (i32.const 16)))))
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
        (local.set $columns (i32.add (local.get $columns) (i32.const 4)))
        (local.set $out (i32.add (local.get $out) (i32.const 3)))
        (br $next))))
  ;; Where the pixels of one axis lie in the source and how their two neighbours there weigh, as the four lists above.
  ;;
  ;; $from, $to  pixels of the source and of the result
  ;; $drop       1 drops the fraction outside the picture, as OpenCV does across; down it repeats the row
  (func (export "axis") (param $from i32) (param $to i32) (param $drop i32) (param $out i32)
    (local $i i32) (local $list i32) (local $scale f64) (local $position f32) (local $floor i32) (local $fraction f32)
    (local.set $list (i32.shl (local.get $to) (i32.const 2)))
    (local.set $scale
      (f64.div
        (f64.const 1)
        (f64.div (f64.convert_i32_s (local.get $to)) (f64.convert_i32_s (local.get $from)))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_s (local.get $i) (local.get $to)))
        (local.set $position
          (f32.demote_f64
            (f64.sub
              (f64.mul (f64.add (f64.convert_i32_s (local.get $i)) (f64.const 0.5)) (local.get $scale))
              (f64.const 0.5))))
        (local.set $floor (i32.trunc_f32_s (f32.floor (local.get $position))))
        (local.set $fraction (f32.sub (local.get $position) (f32.floor (local.get $position))))
        (if
          (i32.and
            (local.get $drop)
            (i32.or
              (i32.lt_s (local.get $floor) (i32.const 0))
              (i32.ge_s (local.get $floor) (i32.sub (local.get $from) (i32.const 1)))))
          (then (local.set $fraction (f32.const 0))))
        (i32.store (local.get $out) (call $inside (local.get $floor) (local.get $from)))
        (i32.store
          (i32.add (local.get $out) (local.get $list))
          (call $inside (i32.add (local.get $floor) (i32.const 1)) (local.get $from)))
        (i32.store
          (i32.add (local.get $out) (i32.mul (local.get $list) (i32.const 2)))
          (call $weight (f32.sub (f32.const 1) (local.get $fraction))))
        (i32.store
          (i32.add (local.get $out) (i32.mul (local.get $list) (i32.const 3)))
          (call $weight (local.get $fraction)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))
  (func $inside (param $position i32) (param $from i32) (result i32)
    (local $last i32)
    (local.set $last (i32.sub (local.get $from) (i32.const 1)))
    (if (result i32) (i32.lt_s (local.get $position) (i32.const 0))
      (then (i32.const 0))
      (else
        (select
          (local.get $position)
          (local.get $last)
          (i32.lt_s (local.get $position) (local.get $last))))))
  ;; OpenCV keeps weights in eleven bits; halves go to the even neighbour.
  (func $weight (param $part f32) (result i32)
    (i32.trunc_f32_s (f32.nearest (f32.mul (local.get $part) (f32.const 2048))))))
