/**
 * What Rekognition calls the 80 classes of COCO, and what it says about each: ancestors, aliases and category.
 *
 * source  label model 3.0 as AWS documents it; AWS publishes no machine-readable list that may be redistributed,
 *         so the table is written down by hand and has not been compared with the live service
 */
export interface LabelEntry {
  name: string
  parents: readonly string[]
  aliases: readonly string[]
  category: string
}

const VEHICLES = 'Vehicles and Automotive'
const ANIMALS = 'Animals and Pets'
const FOOD = 'Food and Beverage'
const FURNITURE = 'Furniture and Furnishings'
const KITCHEN = 'Kitchen and Dining'
const SPORTS = 'Sports'
const TECHNOLOGY = 'Technology and Computing'
const APPAREL = 'Apparel and Accessories'
const APPLIANCES = 'Home Appliances'

type Row = [name: string, category: string, parents?: readonly string[], aliases?: readonly string[]]

const VEHICLE = ['Transportation', 'Vehicle']
const MAMMAL = ['Animal', 'Mammal']
const WILD = ['Animal', 'Mammal', 'Wildlife']
const LIVESTOCK = ['Animal', 'Livestock', 'Mammal']
const FRUIT = ['Food', 'Fruit', 'Plant', 'Produce']
const VEGETABLE = ['Food', 'Plant', 'Produce', 'Vegetable']
const APPLIANCE = ['Appliance', 'Device', 'Electrical Device']

const ROWS: Record<string, Row> = {
  person: ['Person', 'Person Description', [], ['Human']],
  bicycle: ['Bicycle', VEHICLES, VEHICLE, ['Bike']],
  car: ['Car', VEHICLES, VEHICLE, ['Automobile']],
  motorcycle: ['Motorcycle', VEHICLES, VEHICLE, ['Motorbike']],
  airplane: ['Airplane', VEHICLES, ['Aircraft', ...VEHICLE], ['Aeroplane']],
  bus: ['Bus', VEHICLES, VEHICLE],
  train: ['Train', VEHICLES, VEHICLE],
  truck: ['Truck', VEHICLES, VEHICLE],
  boat: ['Boat', VEHICLES, VEHICLE],
  'traffic light': ['Traffic Light', 'Transport and Logistics', ['Light']],
  'fire hydrant': ['Fire Hydrant', 'Public Safety', ['Hydrant']],
  'stop sign': ['Stopsign', 'Symbols and Flags', ['Road Sign', 'Sign', 'Symbol']],
  'parking meter': ['Parking Meter', 'Transport and Logistics'],
  bench: ['Bench', FURNITURE, ['Furniture']],
  bird: ['Bird', ANIMALS, ['Animal']],
  cat: ['Cat', ANIMALS, [...MAMMAL, 'Pet']],
  dog: ['Dog', ANIMALS, ['Animal', 'Canine', 'Mammal', 'Pet']],
  horse: ['Horse', ANIMALS, MAMMAL],
  sheep: ['Sheep', ANIMALS, LIVESTOCK],
  cow: ['Cow', ANIMALS, ['Animal', 'Cattle', 'Livestock', 'Mammal']],
  elephant: ['Elephant', ANIMALS, WILD],
  bear: ['Bear', ANIMALS, WILD],
  zebra: ['Zebra', ANIMALS, WILD],
  giraffe: ['Giraffe', ANIMALS, WILD],
  backpack: ['Backpack', APPAREL, ['Bag']],
  umbrella: ['Umbrella', 'Everyday Objects', ['Canopy']],
  handbag: ['Handbag', APPAREL, ['Accessories', 'Bag'], ['Purse']],
  tie: ['Tie', APPAREL, ['Accessories', 'Formal Wear'], ['Necktie']],
  suitcase: ['Suitcase', 'Travel and Adventure', ['Baggage']],
  frisbee: ['Frisbee', 'Toys and Gaming', ['Toy']],
  skis: ['Skis', SPORTS],
  snowboard: ['Snowboard', SPORTS],
  'sports ball': ['Ball', SPORTS, ['Sport'], ['Sports Ball']],
  kite: ['Kite', 'Toys and Gaming', ['Toy']],
  'baseball bat': ['Baseball Bat', SPORTS, ['Baseball', 'Sport']],
  'baseball glove': ['Baseball Glove', SPORTS, ['Baseball', 'Clothing', 'Glove', 'Sport']],
  skateboard: ['Skateboard', SPORTS],
  surfboard: ['Surfboard', SPORTS],
  'tennis racket': ['Tennis Racket', SPORTS, ['Racket', 'Sport', 'Tennis']],
  bottle: ['Bottle', 'Everyday Objects'],
  'wine glass': ['Wine Glass', KITCHEN, ['Glass']],
  cup: ['Cup', KITCHEN],
  fork: ['Fork', KITCHEN, ['Cutlery']],
  knife: ['Knife', KITCHEN, ['Cutlery']],
  spoon: ['Spoon', KITCHEN, ['Cutlery']],
  bowl: ['Bowl', KITCHEN],
  banana: ['Banana', FOOD, FRUIT],
  apple: ['Apple', FOOD, FRUIT],
  sandwich: ['Sandwich', FOOD, ['Food']],
  orange: ['Orange', FOOD, ['Citrus Fruit', ...FRUIT]],
  broccoli: ['Broccoli', FOOD, VEGETABLE],
  carrot: ['Carrot', FOOD, VEGETABLE],
  'hot dog': ['Hot Dog', FOOD, ['Food']],
  pizza: ['Pizza', FOOD, ['Food']],
  donut: ['Donut', FOOD, ['Food', 'Sweets'], ['Doughnut']],
  cake: ['Cake', FOOD, ['Dessert', 'Food']],
  chair: ['Chair', FURNITURE, ['Furniture']],
  couch: ['Couch', FURNITURE, ['Furniture'], ['Sofa']],
  'potted plant': ['Potted Plant', 'Plants and Flowers', ['Plant']],
  bed: ['Bed', FURNITURE, ['Furniture']],
  'dining table': ['Dining Table', FURNITURE, ['Furniture', 'Table']],
  toilet: ['Toilet', 'Home and Indoors', ['Bathroom', 'Indoors', 'Room']],
  tv: [
    'TV',
    TECHNOLOGY,
    ['Computer Hardware', 'Electronics', 'Hardware', 'Monitor', 'Screen'],
    ['Television'],
  ],
  laptop: ['Laptop', TECHNOLOGY, ['Computer', 'Electronics', 'Pc']],
  mouse: ['Mouse', TECHNOLOGY, ['Computer Hardware', 'Electronics', 'Hardware'], ['Computer Mouse']],
  remote: ['Remote Control', TECHNOLOGY, ['Electronics']],
  keyboard: ['Computer Keyboard', TECHNOLOGY, ['Computer Hardware', 'Electronics', 'Hardware'], ['Keyboard']],
  'cell phone': ['Mobile Phone', TECHNOLOGY, ['Electronics', 'Phone'], ['Cell Phone']],
  microwave: ['Microwave', APPLIANCES, [...APPLIANCE, 'Oven']],
  oven: ['Oven', APPLIANCES, APPLIANCE],
  toaster: ['Toaster', APPLIANCES, APPLIANCE],
  sink: ['Sink', 'Home and Indoors'],
  refrigerator: ['Refrigerator', APPLIANCES, APPLIANCE, ['Fridge']],
  book: ['Book', 'Education', ['Publication']],
  clock: ['Clock', 'Everyday Objects'],
  vase: ['Vase', 'Home and Indoors', ['Jar', 'Pottery']],
  scissors: ['Scissors', 'Tools and Machinery'],
  'teddy bear': ['Teddy Bear', 'Toys and Gaming', ['Toy']],
  'hair drier': ['Blow Dryer', APPLIANCES, APPLIANCE, ['Hair Dryer']],
  toothbrush: ['Toothbrush', 'Beauty and Personal Care', ['Brush', 'Device', 'Tool']],
}

/** Other spellings of the same classes, as Pascal VOC and older label files have them. */
const SPELLINGS: Record<string, string> = {
  aeroplane: 'airplane',
  motorbike: 'motorcycle',
  diningtable: 'dining table',
  pottedplant: 'potted plant',
  sofa: 'couch',
  tvmonitor: 'tv',
  'hair dryer': 'hair drier',
}

/** Categories of labels that occur only as ancestors; the others take the category of what was found. */
const ANCESTOR_CATEGORIES: Record<string, string> = {
  Transportation: VEHICLES,
  Vehicle: VEHICLES,
  Animal: ANIMALS,
  Plant: 'Plants and Flowers',
  Food: FOOD,
  Furniture: FURNITURE,
  Electronics: TECHNOLOGY,
}

/** Ancestors of labels that are ancestors themselves. */
const ANCESTORS: Record<string, readonly string[]> = {
  Vehicle: ['Transportation'],
  Aircraft: VEHICLE,
  Mammal: ['Animal'],
  Wildlife: ['Animal'],
  Livestock: ['Animal', 'Mammal'],
  Cattle: LIVESTOCK,
  Canine: MAMMAL,
  Pet: ['Animal'],
  Produce: ['Food'],
  Fruit: ['Food', 'Plant', 'Produce'],
  'Citrus Fruit': FRUIT,
  Vegetable: ['Food', 'Plant', 'Produce'],
}

/** Names of all classes that the table knows, as COCO spells them. */
export const KNOWN_CLASSES: readonly string[] = Object.keys(ROWS)

/** The entry for a model's own label; a label outside COCO keeps its name and has no ancestors. */
export function labelEntry(label: string): LabelEntry {
  const key = label.toLowerCase()
  const [name, category, parents = [], aliases = []] = ROWS[SPELLINGS[key] ?? key] ?? [label, '']
  return { name, parents, aliases, category }
}

export const ancestorsOf = (name: string): readonly string[] => ANCESTORS[name] ?? []

export const ancestorCategory = (ancestor: string, ofFound: string): string =>
  ANCESTOR_CATEGORIES[ancestor] ?? ofFound
