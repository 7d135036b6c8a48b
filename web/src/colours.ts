/** Neighbouring class ids get hues far apart; lightness is fixed so that dark text is readable on all of them. */
export const colourOf = (classId: number): string => `oklch(0.8 0.15 ${(classId * 97 + 20) % 360})`
