import { render } from 'preact'
import { App } from './app.tsx'
import './styles/base.css'
import './styles/detect.css'

const page = document.getElementById('page')
if (page !== null) {
  render(<App />, page)
}
