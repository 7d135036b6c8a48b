import { classColour, type Rgb, textColour } from '../../src/image/draw/colours.ts'

const css = (colour: Rgb): string => `rgb(${colour.join(' ')})`

/** The colour that annotated pictures give to the class too. */
export const colourOf = (classId: number): string => css(classColour(classId))

/** Black or white, whichever reads better on that colour. */
export const textOn = (classId: number): string => css(textColour(classColour(classId)))
